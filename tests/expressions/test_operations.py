"""The registry of operations: what is built in, registered, and found in installed packages."""

import subprocess
import sys

import fake_distribution
import numpy as np
import processes
import pytest

import glo_tf
from glo_tf import plugins
from glo_tf.expressions import operations
from glo_tf.expressions.operations import Dual, Operation
from glo_tf.expressions.tree import Expression
from glo_tf.search.spaces.space import SearchSpace
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request

CUBE = {
    "name": "cube",
    "arity": 1,
    "description": "Third power.",
    "value": lambda ops, a: a * a * a,
    "slope": lambda ops, value, a: 3.0 * a.value * a.value * a.slope,
    "sympy": lambda sympy, a: sympy.Pow(a, 3),
    "numpy": "np.power({0}, 3)",
}
TRAIN_AND_SAVE = """
import sys
import keras
import numpy as np
import glo_tf
from glo_tf import architectures, datasets, plugins
from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request
from glo_tf.expressions.program import Program
from glo_tf.training.task import TrainingTask

space = plugins.load("glo_tf.search_spaces", "glo_arctan")()
assert "arctan" in space.functions
x, y = np.float32([[0.0, 1.0]]), np.float32([[0.25, 0.75]])
value, slope = Program.of(Expression.parse("arctan(x - y)")).run(x, y)
np.testing.assert_allclose(value, np.arctan(x - y), rtol=1e-6)
np.testing.assert_allclose(slope, -1 / (1 + (x - y) ** 2), rtol=1e-6)

from glo_tf.leaves import Surroundings
value, slope = Program.of(Expression.parse("class_rarity*y")).run(
    x, y, surroundings=Surroundings(frequencies=np.array([0.25, 1.0]))
)
np.testing.assert_allclose(slope, [[2.0, 1.0]])

data = datasets.digits()
trainer = TrainingTask.define(
    lambda: architectures.mlp(data.input_shape, data.num_classes),
    keras.optimizers.SGD(0.1),
    (data.x_train, data.y_train),
    (data.x_validation, data.y_validation),
    train_steps=100,
    batch_size=50,
).make_trainer()
evaluations = [
    trainer.evaluate(Request(Candidate(Expression.parse(text)), seed=0))
    for text in ("arctan(x - x*y) - x*log(y)", "arctan(x - 1.0000001*(x*y)) - x*log(y)")
]
interpreted, translated = (evaluation.fitness for evaluation in evaluations)
assert interpreted > 0.5
assert abs(interpreted - translated) <= 1 / 300  # an image, by rounding
glo_tf.save_loss(glo_tf.ExpressionLoss("arctan(square(x - y))"), sys.argv[1])
"""
LOAD = """
import sys
import numpy as np
import glo_tf

assert "glo_tf_arctan" not in sys.modules
loss = glo_tf.load_loss(sys.argv[1])
assert loss.expression == "arctan(square(x - y))"
y = np.array([[0.25, 0.75]])
expected = np.arctan(0.25**2) * 2
assert abs(float(loss(np.array([[0.0, 1.0]]), y)) - expected) < 1e-6
assert "np.arctan(np.square(x - y))" in loss.python()
"""


@pytest.fixture
def registry(monkeypatch) -> None:
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(operations, "_registry", dict(operations._registry))


@pytest.fixture
def distribution(tmp_path, monkeypatch, registry):
    """Installs `package` with an entry point in the group each time it is called."""

    def install(package: str, entry: str) -> None:
        fake_distribution.register(tmp_path, monkeypatch, package, {operations.GROUP: [entry]})

    (tmp_path / "third_powers.py").write_text(
        "from glo_tf.expressions.operations import Operation\n"
        "CUBE = Operation('cube', 1, 'Third power.', value=lambda ops, a: a * a * a,\n"
        "    slope=lambda ops, value, a: 3.0 * a.value * a.value * a.slope,\n"
        "    sympy=lambda sympy, a: sympy.Pow(a, 3), numpy='np.power({0}, 3)')\n"
    )
    monkeypatch.delitem(sys.modules, "third_powers", raising=False)
    return install


@pytest.mark.parametrize(
    "operation",
    [each for each in operations.registered() if not each.across],
    ids=lambda it: it.name,
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slopes_are_those_of_finite_differences(operation: Operation, dtype: type) -> None:
    rng = np.random.default_rng(0)
    operands = rng.uniform(0.2, 2.0, (operation.arity, 100))
    slopes = rng.normal(size=operands.shape)
    duals = [
        Dual(a.astype(dtype), da.astype(dtype), True)
        for a, da in zip(operands, slopes, strict=True)
    ]
    value, slope = operation.dual(np, *duals)
    assert value.dtype == slope.dtype == dtype
    step = 1e-6
    above, below = (operation.value(np, *(operands + sign * step * slopes)) for sign in (1.0, -1.0))
    np.testing.assert_allclose(slope, (above - below) / (2 * step), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("operation", operations.registered(), ids=lambda it: it.name)
def test_derivatives_are_pulled_back_to_each_operand(operation: Operation) -> None:
    rng = np.random.default_rng(0)
    operands = rng.uniform(0.2, 2.0, (operation.arity, 20, 3))
    adjoint = rng.normal(size=(20, 3))
    for place in range(operation.arity):
        pulled = operation.pulled(np, adjoint, place, *operands)
        for column in range(3):
            step = np.zeros_like(operands)
            step[place, :, column] = 1e-6
            above, below = (operation.value(np, *(operands + sign * step)) for sign in (1.0, -1.0))
            expected = (adjoint * (above - below) / 2e-6).sum(axis=-1)
            np.testing.assert_allclose(pulled[:, column], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["aq", "plog", "psqrt", "abs", "tanh", "min", "max"])
def test_an_operation_without_singularity_is_finite_everywhere(name: str) -> None:
    operation = operations.get(name)
    special = np.float32([-3e38, -1.0, -1e-30, 0.0, 1e-30, 1.0, 3e38])
    grid = np.stack(np.meshgrid(*[special] * operation.arity)).reshape(operation.arity, -1)
    duals = [Dual(a, np.ones_like(a), True) for a in grid]
    with np.errstate(over="ignore"):
        value, slope = operation.dual(np, *duals)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "x"}, "Received: name='x'"),
        ({"name": "y_true"}, "Received: name='y_true'"),
        ({"name": "**"}, r"Received: name='\*\*'"),
        ({"name": "a" * 17}, "at most 16 letters"),
        ({"name": "a b"}, "Received: name='a b'"),
        ({"name": ""}, "Received: name=''"),
        ({"arity": 0}, "one or two operands. Received: arity=0"),
        ({"arity": 3}, "one or two operands. Received: arity=3"),
    ],
)
def test_what_no_expression_can_hold_is_refused(change, message) -> None:
    with pytest.raises(ValueError, match=message):
        Operation(**{**CUBE, **change})


def test_a_registered_operation_is_known_everywhere(registry) -> None:
    cube = Operation(**CUBE)
    operations.register(cube)
    operations.register(cube)
    expression = Expression.parse("1.5*cube(x - y)")
    assert str(expression) == "1.5*cube(x - y)"
    assert SearchSpace("cubes", "", {"x": 1.0, "y": 1.0, "cube": 1.0}).functions == ("cube",)
    loss = glo_tf.ExpressionLoss(expression)
    assert "1.5*np.power(x - y, 3)" in loss.python()
    x, y = np.array([[0.0, 1.0]]), np.array([[0.25, 0.25]])
    assert float(loss(x, y)) == pytest.approx(1.5 * (0.75**3 - 0.25**3))
    with pytest.raises(ValueError, match=r"Expected a new name\. Received: name='cube'"):
        operations.register(Operation(**CUBE))


@pytest.mark.slow
def test_a_trainer_compiles_anew_for_a_new_operation_and_only_then(registry) -> None:
    from small_trainings import make_trainer

    trainer = make_trainer()
    evaluate = trainer.evaluate
    squared = evaluate(Request(Candidate(Expression.parse("square(x - y)")), seed=0))
    evaluate(Request(Candidate(Expression.parse("-(x*log(y))")), seed=0))
    assert trainer._interpreter.cache_info().misses == 1
    operations.register(
        Operation(
            **{
                **CUBE,
                "name": "distance",
                "value": lambda ops, a: a * a,
                "slope": lambda ops, value, a: 2.0 * a.value * a.slope,
            }
        )
    )
    again = evaluate(Request(Candidate(Expression.parse("distance(x - y)")), seed=0))
    assert again.fitness == squared.fitness
    assert trainer._interpreter.cache_info().misses == 2
    assert evaluate(Request(Candidate(Expression.parse("square(x - y)")), seed=0)) == squared
    assert trainer._interpreter.cache_info().misses == 2


def test_an_operation_of_a_package_is_loaded_when_it_is_first_used(distribution) -> None:
    distribution("powers", "cube = third_powers:CUBE")
    assert "cube" in operations.names()
    assert "cube" not in [operation.name for operation in operations.registered()]
    assert "third_powers" not in sys.modules
    assert Expression.parse("cube(y) - x").nodes == ("-", "cube", "y", "x")
    assert operations.registered()[-1].name == "cube"
    (described,) = plugins.describe(operations.GROUP)
    assert (described.description, described.package) == ("Third power.", "powers")


@pytest.mark.parametrize(
    "use",
    [
        lambda: Expression(("cube", "y")),
        lambda: Expression.parse("cube(y)"),
        lambda: SearchSpace("", "", {"x": 1.0, "y": 1.0, "cube": 1.0}),
    ],
)
def test_two_packages_with_one_name_are_both_named(distribution, use) -> None:
    distribution("first", "cube = third_powers:CUBE")
    distribution("second", "cube = third_powers:CUBE")
    with pytest.raises(plugins.PluginError, match="Received: first and second"):
        use()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("cube = nowhere:CUBE", "'cube' of powers to load. Received: ModuleNotFoundError"),
        ("cube = third_powers:Operation", "to be an Operation named 'cube'"),
        ("power = third_powers:CUBE", "to be an Operation named 'power'"),
    ],
)
def test_a_broken_package_is_named(distribution, entry, message) -> None:
    distribution("powers", entry)
    with pytest.raises(plugins.PluginError, match=message):
        Expression.parse(f"{entry.split()[0]}(y)")


def test_no_package_takes_the_name_of_what_is_built_in(distribution) -> None:
    distribution("powers", "log = third_powers:CUBE")
    assert Expression.parse("log(y)").nodes == ("log", "y")
    assert "third_powers" not in sys.modules


def test_an_unknown_name_lists_those_of_packages_too(distribution) -> None:
    distribution("powers", "cube = third_powers:CUBE")
    for use in (Expression.parse, lambda text: Expression((text, "y"))):
        with pytest.raises(ValueError, match=r"log, .*min, .*cube.*[Rr]eceived.*'tan"):
            use("tan")


def test_reading_an_expression_imports_neither_numpy_nor_tensorflow() -> None:
    code = (
        "import sys; from glo_tf.expressions.tree import Expression; "
        "str(Expression.parse('min(x, tanh(y))')); "
        "sys.exit(bool({'numpy', 'tensorflow', 'keras', 'sympy'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
def test_the_node_of_the_example_plugin_trains_and_is_saved(tmp_path, installed) -> None:
    environment = installed("glo_tf_arctan")
    for code in (TRAIN_AND_SAVE, LOAD):
        done = processes.python("-c", code, str(tmp_path / "loss.json"), env=environment)
        assert done.returncode == 0, done.stderr
    with pytest.raises(ValueError, match="received 'arctan'"):  # where it is not installed
        glo_tf.load_loss(tmp_path / "loss.json")
