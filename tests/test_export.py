"""What a loss gives to readers and other frameworks agrees with the loss itself."""

import numpy as np
import pytest
import sympy
from expression_strategies import expressions
from hypothesis import given, settings
from hypothesis import strategies as st

import glo_tf
from glo_tf.expression import Expression
from glo_tf.losses import ExpressionLoss

NAMED = [glo_tf.Baikal, glo_tf.BaikalCMA, glo_tf.NGL]
RNG = np.random.default_rng(0)
X, Y = np.eye(4)[RNG.integers(0, 4, 8)], RNG.dirichlet(np.ones(4), 8)


def run(loss: ExpressionLoss):
    """The function that the exported source defines, in a namespace of its own."""
    namespace: dict[str, object] = {}
    exec(compile(loss.python(), "exported.py", "exec"), namespace)
    (function,) = [value for name, value in namespace.items() if name not in ("np", "__builtins__")]
    return function


@settings(max_examples=40, deadline=None)
@given(expressions(unit=False, coefficients=st.floats(-3, 3, allow_subnormal=False)))
def test_the_exported_function_is_the_loss(expression: Expression) -> None:
    loss = ExpressionLoss(expression, reduction=None, dtype="float64")
    with np.errstate(all="ignore"):
        ours, exported = np.array(loss(X, Y)), run(loss)(X, Y)
    finite = np.isfinite(ours)
    np.testing.assert_array_equal(finite, np.isfinite(exported))
    scale = 1 + np.abs(ours[finite]).max(initial=0)
    np.testing.assert_allclose(exported[finite], ours[finite], rtol=1e-6, atol=1e-6 * scale)


@pytest.mark.parametrize("loss", NAMED)
@pytest.mark.parametrize("from_logits", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("classes", [4, 1])
def test_the_exported_function_follows_the_arguments(loss, from_logits, sparse, classes) -> None:
    predictions = Y[:, :classes]
    predictions = np.log(predictions) if from_logits else predictions
    labels = X.argmax(axis=-1) % max(classes, 2)
    if not sparse:
        labels = X if classes > 1 else labels[:, None]
    arguments = {"from_logits": from_logits, "sparse": sparse, "label_smoothing": 0.1}
    made = loss(reduction=None, dtype="float64", epsilon=1e-3, **arguments)
    np.testing.assert_allclose(run(made)(labels, predictions), made(labels, predictions), rtol=1e-6)


def test_the_exported_source_is_readable() -> None:
    assert glo_tf.Baikal().python() == (
        "import numpy as np\n"
        "\n"
        "\n"
        "def baikal(y_true, y_pred):\n"
        '    """-(log(y) - x/y) per class; one value per sample."""\n'
        "    z = np.asarray(y_pred, dtype=float)\n"
        "    if z.shape[-1] == 1:\n"
        "        z = np.concatenate([1.0 - z, z], axis=-1)\n"
        "    y = np.clip(z, 1e-07, 1.0)\n"
        "    x = np.asarray(y_true, dtype=float)\n"
        "    if x.shape[-1] == 1:\n"
        "        x = np.concatenate([1.0 - x, x], axis=-1)\n"
        '    with np.errstate(all="ignore"):\n'
        "        terms = -(np.log(y) - x/y) + 0.0 * y\n"
        "    return terms.sum(axis=-1)\n"
    )


@pytest.mark.parametrize("name", ["my loss", "2nd", "import os; x", "", "class", "np"])
def test_any_name_becomes_a_function_name(name) -> None:
    function = run(ExpressionLoss("square(x - y)", name=name))
    assert function(np.eye(2), np.full((2, 2), 0.5)).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x*x/(x*y)", "x/y"),
        ("log(y*y) - log(y)", "log(y)"),
        ("square(sqrt(y)) + 0.5*y + 0.5*y", "2*y"),
        ("-(log(y) - x/y)", "x/y - log(y)"),
        ("2.0*(0.5*log(y))", "log(y)"),
    ],
)
def test_simplified_is_short(text, expected) -> None:
    given = ExpressionLoss(text).simplified()
    assert sympy.simplify(given - sympy.sympify(expected)) == 0
    assert sympy.count_ops(given) <= sympy.count_ops(sympy.sympify(expected))


@pytest.mark.parametrize("loss", [*NAMED, lambda: ExpressionLoss("sqrt(sqrt(y)) + x*x/(y - 3)")])
def test_simplified_has_the_same_value(loss) -> None:
    x, y = sympy.symbols("x y")
    values = {x: 0.25, y: 0.4}
    made = loss()
    assert float(made.simplified().subs(values)) == pytest.approx(
        float(made.sympy().subs(values)), rel=1e-4
    )


def test_sympy_and_latex_are_those_of_the_tree() -> None:
    loss = glo_tf.Baikal()
    x, y = sympy.symbols("x y")
    assert sympy.simplify(loss.sympy() - (x / y - sympy.log(y))) == 0
    assert loss.latex() == loss.tree.latex()


def test_the_plot_shows_the_loss_beside_cross_entropy(tmp_path) -> None:
    figure = glo_tf.Baikal().plot()
    binary, terms = figure.axes
    assert [text.get_text() for text in binary.get_legend().get_texts()] == [
        "cross-entropy",
        "baikal",
    ]
    y, loss = binary.lines[1].get_data()
    assert y[np.argmin(loss)] == pytest.approx(2**-0.5, abs=1e-3)  # the minimum for two classes
    assert loss[-1] > 0.3  # and the rise near the true label, Figure 2
    cross_entropy = binary.lines[0].get_data()[1]
    assert (np.diff(cross_entropy) < 0).all()
    assert len(terms.lines) == 4
    figure.savefig(tmp_path / "loss.png")
    assert (tmp_path / "loss.png").stat().st_size > 10_000
