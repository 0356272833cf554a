"""Models that end in logits: trained as Keras trains them with a loss from logits."""

import json
import pickle

import keras
import numpy as np
import pytest
import tensorflow as tf
from expression_strategies import expressions
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples
from output_kinds import CLASSES, FLAGS, NUMBERS, SAMPLES

import glo_tf
from glo_tf.data.outputs import Output, Outputs
from glo_tf.expressions.program import Program
from glo_tf.expressions.seen_by_loss import LogPrediction, seen_by_loss
from glo_tf.expressions.tree import Expression
from glo_tf.losses.baselines import usual_loss
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.losses.named import Baikal
from glo_tf.screening.probes import UNDECIDED, fixed_set
from glo_tf.screening.screen import Screen, Traits
from glo_tf.training.candidate import Candidate, Hyperparameters
from glo_tf.training.task import TrainingTask
from glo_tf.training.tensorflow.interpreter import interpret, tensors
from glo_tf.training.tensorflow.translator import translate
from glo_tf.training.trial import Request, Status

COEFFICIENTS = st.one_of(st.just(1.0), st.floats(0.01, 3), st.floats(-3, -0.01))
KINDS = {"classes": Output("softmax", 3, from_logits=True)}
KINDS["flag"] = Output("sigmoid", 1, from_logits=True)
KINDS["flags"] = Output("sigmoid", 2, from_logits=True)
TARGETS = {
    "classes": keras.utils.to_categorical(CLASSES),
    "flag": FLAGS[:, :1],
    "flags": FLAGS,
    "number": NUMBERS[:, None],
}
LOSSES = [
    "-(x*log(y))",
    "-(log(y) - x/y)",
    "square(x - y) + x*log(1 + square(y)) - y",
    "-2.7279*(0.9863*log(1.5352*y) - 1.8158*(x/y))",
]
CAPACITY = 64
INTERPRET = tf.function(interpret, autograph=False)


def build_model(*names: str) -> keras.Model:
    """One linear output for each name; a dict of them if there are several."""
    inputs = keras.Input((4,))
    outputs = {name: keras.layers.Dense(TARGETS[name].shape[1])(inputs) for name in names}
    return keras.Model(inputs, outputs if len(names) > 1 else outputs[names[0]])


def targets(*names: str):
    return {name: TARGETS[name] for name in names} if len(names) > 1 else TARGETS[names[0]]


def make_task(*names: str, **arguments) -> TrainingTask:
    data = SAMPLES, targets(*names)
    given = {"train_steps": 1, "batch_size": 200, "jit_compile": False, "from_logits": True}
    given["standardize"] = False  # Keras does not
    if "flags" in names:  # of which many a row is one-hot
        given["outputs"] = {"flags": "sigmoid"} if len(names) > 1 else "sigmoid"
    return TrainingTask.define(
        lambda: build_model(*names), "sgd", data, data, **{**given, **arguments}
    )


def logits_and_labels(kind: str) -> tuple[tf.Tensor, np.ndarray]:
    """From undecided predictions to those that are beyond the clipping."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(40, KINDS[kind].units)) * np.linspace(0.1, 12, 40)[:, None]
    return tf.constant(logits, tf.float32), TARGETS[kind][:40].astype(np.float32)


def as_columns(kind: str, labels: np.ndarray) -> np.ndarray:
    return np.concatenate([1.0 - labels, labels], axis=-1) if kind == "flag" else labels


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["interpreted", "translated"])
@examples(25)
@given(data=st.data())
def test_value_and_slope_are_those_of_the_keras_loss(kind: str, how: str, data) -> None:
    trees = expressions(unit=False, coefficients=COEFFICIENTS, max_leaves=6)
    loss = data.draw(st.one_of(st.sampled_from(LOSSES).map(Expression.parse), trees))
    outputs = Outputs((KINDS[kind],))
    logits, labels = logits_and_labels(kind)
    keras_loss = ExpressionLoss(loss, reduction=None, **outputs.loss_options[0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        expected = keras_loss(labels, logits)
        scores = outputs.scores(logits)
    seen = seen_by_loss(outputs, keras.ops, scores)
    columns = tf.constant(as_columns(kind, labels))
    if how == "interpreted":
        program = tensors(Program.of(loss, capacity=CAPACITY, log_y=True))
        terms, slopes = INTERPRET(columns, seen.y, *program, log_y=seen.log_y)
    else:
        coefficients = tf.constant(loss.coefficients, tf.float32)
        terms, slopes = translate(loss, columns, seen.y, coefficients, log_y=seen.log_y)
    zero = tf.UnconnectedGradients.ZERO
    theirs = tape.gradient(expected, logits, unconnected_gradients=zero).numpy()
    ours = tape.gradient(scores, logits, output_gradients=slopes).numpy()
    value = tf.reduce_sum(terms, axis=-1).numpy()
    # Where 0 meets infinity, reverse mode has rules of its own; where large terms cancel, float32
    # leaves little.
    fine = np.isfinite(expected.numpy()) & np.isfinite(theirs).all(-1) & np.isfinite(ours).all(-1)
    size = 1.0 + np.abs(slopes.numpy()).max(axis=-1, where=np.isfinite(slopes.numpy()), initial=0.0)
    worth = fine & (size < 1e4)
    np.testing.assert_allclose(value[worth], expected.numpy()[worth], rtol=1e-3, atol=1e-3)
    error = np.abs(ours[worth] - theirs[worth]).max(axis=-1) / size[worth]
    assert (error <= 2e-3).all()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", KINDS)
def test_both_are_close_for_losses_as_they_are_found(kind: str, loss: str) -> None:
    outputs, tree = Outputs((KINDS[kind],)), Expression.parse(loss)
    logits, labels = logits_and_labels(kind)
    keras_loss = ExpressionLoss(tree, reduction=None, **outputs.loss_options[0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(logits)
        expected = keras_loss(labels, logits)
        scores = outputs.scores(logits)
    seen = seen_by_loss(outputs, keras.ops, scores)
    columns = tf.constant(as_columns(kind, labels))
    program = Program.of(tree, capacity=CAPACITY, log_y=True)
    coefficients = tf.constant(tree.coefficients, tf.float32)
    numpy_log_y = LogPrediction(*(part.numpy() for part in seen.log_y))
    found = [
        INTERPRET(columns, seen.y, *tensors(program), log_y=seen.log_y),
        translate(tree, columns, seen.y, coefficients, log_y=seen.log_y),
        program.run(columns.numpy(), seen.y.numpy(), numpy_log_y),
    ]
    theirs = tape.gradient(expected, logits).numpy()
    for terms, slopes in found:
        slopes = tf.constant(slopes)
        ours = tape.gradient(scores, logits, output_gradients=slopes).numpy()
        np.testing.assert_allclose(tf.reduce_sum(terms, axis=-1), expected, rtol=1e-5, atol=1e-5)
        scale = 1e-5 * np.abs(slopes).max(axis=-1, keepdims=True)
        assert (np.abs(ours - theirs) <= scale + 1e-6).all()


def test_cross_entropy_has_a_slope_where_the_probability_is_clipped() -> None:
    loss = Expression.parse("-(x*log(3.5*y))")
    outputs = Outputs((Output("softmax", 2, from_logits=True),))
    logits = tf.constant([[50.0, -50.0]])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        scores = outputs.scores(logits)
    seen = seen_by_loss(outputs, keras.ops, scores)
    assert float(seen.y[0, 1]) == pytest.approx(1e-7)
    program = tensors(Program.of(loss, capacity=CAPACITY, log_y=True))
    terms, slopes = INTERPRET(tf.constant([[0.0, 1.0]]), seen.y, *program, log_y=seen.log_y)
    assert float(tf.reduce_sum(terms)) == pytest.approx(100.0 - np.log(3.5))
    gradient = tape.gradient(scores, logits, output_gradients=slopes)
    np.testing.assert_allclose(gradient, [[1.0, -1.0]])


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    "names", [*((name,) for name in KINDS), ("classes", "flag", "flags", "number")]
)
def test_a_training_step_is_that_of_keras(names: tuple[str, ...], loss: str) -> None:
    """Interpreted or translated; also beside numbers."""
    if "number" in names and loss != LOSSES[2]:
        pytest.skip("numbers may be negative")
    task = make_task(*names)
    trainer = task.make_trainer()
    reference = build_model(*names)
    reference.set_weights([w.numpy() for w in trainer._initial(0)[: len(reference.weights)]])
    losses = [ExpressionLoss(loss, **options) for options in task.outputs.loss_options]
    reference.compile("sgd", loss=task.outputs.restore(losses))
    reference.train_on_batch(SAMPLES, targets(*names))
    assert trainer.evaluate(Request(Candidate(Expression.parse(loss)), 0)).status == Status.OK
    for ours, theirs in zip(trainer._model.weights, reference.weights, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=2e-5, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize(("kind", "activation"), [("classes", "softmax"), ("flag", "sigmoid")])
def test_it_trains_as_with_the_activation_as_a_layer(kind, activation, jit_compile) -> None:
    def with_layer() -> keras.Model:
        logits = build_model(kind)
        return keras.Model(logits.inputs[0], keras.layers.Activation(activation)(logits.outputs[0]))

    arguments = {"train_steps": 40, "batch_size": 20, "jit_compile": jit_compile}
    data = SAMPLES, targets(kind)
    without = make_task(kind, **arguments).make_trainer()
    beside = TrainingTask.define(with_layer, "sgd", data, data, **arguments).make_trainer()
    for loss in LOSSES:
        request = Request(Candidate(Expression.parse(loss), Hyperparameters(0.003)), 0)
        ours, theirs = without.evaluate(request), beside.evaluate(request)
        assert ours.status == theirs.status == Status.OK
        assert ours.fitness == pytest.approx(theirs.fitness, abs=0.02)
        for left, right in zip(without._model.weights, beside._model.weights, strict=True):
            np.testing.assert_allclose(left.numpy(), right.numpy(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("kind", "keras_loss"),
    [
        ("classes", keras.losses.CategoricalCrossentropy(from_logits=True)),
        ("flags", keras.losses.BinaryCrossentropy(from_logits=True)),
        ("flag", keras.losses.BinaryCrossentropy(from_logits=True)),
    ],
)
def test_the_usual_loss_is_that_of_keras(kind: str, keras_loss) -> None:
    outputs = make_task(kind).outputs
    _, loss = usual_loss(outputs)
    logits = build_model(kind)(SAMPLES)
    ours = ExpressionLoss(loss, **outputs.loss_options[0])(TARGETS[kind], logits)
    summed = 2 if kind == "flags" else 1  # Keras takes the mean
    expected = summed * float(keras_loss(TARGETS[kind], logits))
    assert float(ours) == pytest.approx(expected, rel=1e-5)


def test_the_screen_sees_the_gradients_of_the_logits() -> None:
    kinds = (*KINDS.values(), Output("linear", 1, (2.0, 4.0, 5.0, 9.0, 50.0)))
    outputs = Outputs(kinds)
    labels, predictions = fixed_set(outputs)
    parts = [predictions[:, place] for place in outputs.slices]
    logits = [np.log(parts[0]), np.log(parts[1][:, 1:] / parts[1][:, :1])]
    logits += [np.log(parts[2] / (1 - parts[2])), parts[3]]
    variables = [tf.constant(part, tf.float32) for part in logits]
    for text in LOSSES[2:3]:
        with tf.GradientTape() as tape:
            tape.watch(variables)
            scores = outputs.scores(variables)
            total = 0.0
            for output, place, part in zip(kinds, outputs.slices, variables, strict=True):
                options = Outputs((output,)).loss_options[0]
                loss = ExpressionLoss(text, reduction="sum", **options)
                target = labels[:, place][:, 1:] if output.binary else labels[:, place]
                total += loss(target.astype(np.float32), part)
        assert scores.shape == predictions.shape
        found = Traits.of(Expression.parse(text), outputs).gradients
        for output, place, theirs in zip(
            kinds, outputs.slices, tape.gradient(total, variables), strict=True
        ):
            ours = found[:UNDECIDED, place][:, -output.units :]
            np.testing.assert_allclose(ours, theirs[:UNDECIDED], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_losses_are_rejected_as_behind_the_activation(kind: str) -> None:
    without = Screen(Outputs((KINDS[kind],)))
    behind = Screen(Outputs((Output(KINDS[kind].activation, KINDS[kind].units),)))
    texts = [
        *LOSSES,
        "square(x - y)",
        "x*log(y)",
        "-(x*y)",
        "y - x",
        "square(x + y)",
        "log(y) - x",
        "x/y",
        "x*0*y",
    ]
    losses = [Candidate(Expression.parse(text)) for text in texts]
    expected = [verdict.rejection for verdict in behind.examine(losses)]
    assert [verdict.rejection for verdict in without.examine(losses)] == expected
    assert None in expected
    assert "cannot learn" in expected


@pytest.mark.slow
def test_a_search_gives_a_loss_that_fits_the_model(tmp_path) -> None:
    data = SAMPLES, CLASSES
    search = glo_tf.LossSearch(
        lambda: build_model("classes"),
        data,
        data,
        from_logits=True,
        optimizer=keras.optimizers.SGD(0.1),
        initial_expressions=["-(x*log(y))", Baikal(from_logits=True)],
        train_steps=20,
        batch_size=20,
        jit_compile=False,
        population_size=8,
        elites=2,
        generations=2,
        coefficient_generations=1,
        finalists=1,
        finalist_seeds=1,
        comparison_seeds=1,
        output_dir=tmp_path,
    )
    result = search.run()
    assert result.best_loss.from_logits
    saved = glo_tf.load_loss(tmp_path / "best_loss.json")
    assert saved.get_config() == result.best_loss.get_config()
    assert "from_logits=True" in (tmp_path / "report.html").read_text()
    assert "3 classes, softmax of logits" in (tmp_path / "report.html").read_text()
    keras.utils.set_random_seed(0)
    model = build_model("classes")
    model.compile(keras.optimizers.SGD(0.1), loss=result.best_loss, metrics=["accuracy"])
    model.fit(*data, epochs=20, verbose=0)
    assert model.evaluate(*data, verbose=0)[1] > 0.6
    (again,) = search.evaluate([result.best_loss])
    assert again.fitness == search.evaluate([result.found.loss])[0].fitness > 0.0
    with pytest.raises(ValueError, match=r"from_logits=True, as .* with from_logits=False"):
        search.evaluate([Baikal()])
    comparison = result.compare(["baikal"], data, seeds=1, tune_learning_rate=False)
    assert [entry.name for entry in comparison.losses] == ["cross-entropy", "best loss", "baikal"]
    assert {"accuracy", "nll", "ece"} <= comparison.losses[0].values[comparison.split].keys()
    assert comparison.losses[0].last("nll")[0] < np.log(3.0)
    assert pickle.loads(pickle.dumps(search.task.outputs)) == search.task.outputs


@pytest.mark.slow
def test_outputs_of_several_kinds_have_a_loss_each(tmp_path) -> None:
    names = ("classes", "flags", "number")
    data = SAMPLES, {**targets(*names), "number": NUMBERS / 10}
    result = glo_tf.LossSearch(
        lambda: build_model(*names),
        data,
        data,
        from_logits=True,
        outputs={"flags": "sigmoid"},
        initial_expressions=["square(x - y)"],
        train_steps=5,
        batch_size=20,
        jit_compile=False,
        population_size=4,
        elites=1,
        generations=1,
        coefficient_expressions=0,
        finalists=0,
        comparison_seeds=0,
        output_dir=tmp_path,
    ).run()
    losses = result.best_loss
    assert {name: (loss.from_logits, loss.activation) for name, loss in losses.items()} == {
        "classes": (True, "softmax"),
        "flags": (True, "sigmoid"),
        "number": (False, "linear"),
    }
    for name, loss in losses.items():
        saved = glo_tf.load_loss(tmp_path / f"best_loss_{name}.json")
        assert saved.get_config() == loss.get_config()
    model = build_model(*names)
    model.compile("sgd", loss=losses)
    model.fit(SAMPLES, data[1], verbose=0)


@pytest.mark.parametrize(
    "metric",
    [
        None,
        keras.metrics.BinaryAccuracy(threshold=0.8),
        keras.metrics.AUC(from_logits=False),
        "binary_crossentropy",
    ],
)
def test_metrics_are_given_probabilities(metric) -> None:
    logits = np.linspace(-4.0, 4.0, 200, dtype=np.float32)[:, None]
    task = make_task("flag", metric=metric)
    columns = task.outputs.columns(tf.constant(logits)).numpy()
    np.testing.assert_allclose(columns[:, 1:], 1.0 / (1.0 + np.exp(-logits)), rtol=1e-5)
    found = task.objective.measure([TARGETS["flag"]])(task.outputs.split(columns))
    reference = keras.metrics.get(metric or "binary_accuracy")
    if not isinstance(reference, keras.metrics.Metric):
        reference = keras.metrics.MeanMetricWrapper(reference)
    reference.reset_state()
    reference.update_state(TARGETS["flag"], keras.ops.sigmoid(logits))
    assert found == [pytest.approx(float(reference.result()), abs=1e-6)]


def test_a_loss_of_independent_logits() -> None:
    loss = ExpressionLoss("-(x*log(y))", from_logits=True, activation="sigmoid", reduction=None)
    labels, logits = np.array([[1.0, 1.0, 0.0]]), np.array([[0.5, -2.0, 3.0]])
    expected = np.log1p(np.exp(-0.5)) + np.log1p(np.exp(2.0))
    assert float(loss(labels, logits)[0]) == pytest.approx(expected)
    again = ExpressionLoss.from_config(json.loads(json.dumps(loss.get_config())))
    assert again.get_config() == loss.get_config()
    assert again.activation == "sigmoid"
    names: dict = {}
    exec(loss.python(), names)
    assert names["expression_loss"](labels, logits) == pytest.approx([expected])
    one = ExpressionLoss("x/y + square(y)", from_logits=True, activation="sigmoid", reduction=None)
    exec(one.python(), names)
    lone = np.array([[0.3], [-40.0]]), np.array([[1.5], [20.0]])
    plain = ExpressionLoss("x/y + square(y)", from_logits=True, reduction=None)
    np.testing.assert_allclose(names["expression_loss"](*lone), one(*lone), rtol=1e-5)
    np.testing.assert_allclose(one(*lone), plain(*lone))
    smooth = ExpressionLoss("x + 0*y", activation="sigmoid", label_smoothing=0.2, reduction=None)
    exec(smooth.python(), names)
    assert float(smooth(labels, logits)[0]) == pytest.approx(0.9 + 0.9 + 0.1)
    assert names["expression_loss"](labels, logits) == pytest.approx([1.9])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "relu"}, "Received: activation='relu'"),
        ({"activation": "sigmoid", "sparse": True}, "Received: sparse=True"),
    ],
)
def test_activations_that_do_not_fit_are_refused(arguments, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ExpressionLoss("x*y", **arguments)
