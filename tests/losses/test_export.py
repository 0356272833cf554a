"""What a loss gives to readers and other frameworks agrees with the loss itself."""

import builtins
import keyword
import re

import numpy as np
import pytest
import sympy
from expression_strategies import expressions
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis_examples import examples

import glo_tf
from glo_tf.expressions.prefix import MAX_DEPTH
from glo_tf.expressions.tree import Expression
from glo_tf.losses.expression_loss import ExpressionLoss
from glo_tf.losses.figure import plot_loss

NAMED = [glo_tf.Baikal, glo_tf.BaikalCMA, glo_tf.NGL]
RNG = np.random.default_rng(0)
X, Y = np.eye(4)[RNG.integers(0, 4, 8)], RNG.dirichlet(np.ones(4), 8)


def run(loss: ExpressionLoss):
    """The function that the exported source defines, in a namespace of its own."""
    namespace: dict[str, object] = {}
    exec(compile(loss.python(), "exported.py", "exec"), namespace)
    (function,) = [value for name, value in namespace.items() if name not in ("np", "__builtins__")]
    return function


@examples(40)
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
        "    z = np.asarray(y_pred, dtype=np.float64)\n"
        "    if z.shape[-1] == 1:\n"
        "        z = np.concatenate([1.0 - z, z], axis=-1)\n"
        "    y = np.clip(z, 1e-07, 1.0)\n"
        "    x = np.asarray(y_true, dtype=np.float64)\n"
        "    if x.ndim < z.ndim:\n"
        "        x = x[..., np.newaxis]\n"
        "    if x.shape[-1] == 1:\n"
        "        x = np.concatenate([1.0 - x, x], axis=-1)\n"
        '    with np.errstate(all="ignore"):\n'
        "        terms = -(np.log(y) - x/y)\n"
        "    return terms.sum(axis=-1)\n"
    )


# Python's own words, what the source itself uses, and letters that Python reads as others.
NAMES = st.one_of(
    st.text(),
    st.text("abpnxyz_019²ﬁµ \"'\\\n", max_size=4),
    st.sampled_from(
        [*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "np", "x", "y", "z", "t0", "terms"]
    ),
)


@given(NAMES)
@examples(300)
@example("float")
@example("int")
@example("²")
@example("ﬁ")
@example("")
@example("import os; x")
@example("\ud800")
def test_any_name_becomes_a_function_name(name) -> None:
    source = ExpressionLoss("square(x - y)", name=name).python()
    namespace: dict[str, object] = {}
    exec(compile(source.encode(), "exported.py", "exec"), namespace)
    (made,) = namespace.keys() - {"np", "__builtins__"}
    assert not keyword.iskeyword(made)
    assert not hasattr(builtins, made)
    assert namespace[made](np.eye(2), np.full((2, 2), 0.5)).tolist() == [0.5, 0.5]
    if re.fullmatch("[a-z]+_[a-z]+", name):
        assert made == name


def test_names_that_are_names_stay() -> None:
    for name in ("baikal", "my_loss_2", "x", "Loss", "loss"):
        assert f"def {name}(y_true, y_pred):" in ExpressionLoss("x*y", name=name).python()


@pytest.mark.parametrize(
    "nodes",
    [
        (*("aq", "x") * MAX_DEPTH, "y"),
        (*("aq",) * MAX_DEPTH, *("y", "x") * 50, "y"),
        (*("psqrt",) * MAX_DEPTH, "y"),
        (*("-", "x") * MAX_DEPTH, "y"),
    ],
)
def test_the_deepest_trees_are_python(nodes) -> None:
    factors = np.random.default_rng(0).uniform(-2, 2, len(nodes))
    for factor in (factors, -np.abs(factors), np.ones(len(nodes))):
        loss = ExpressionLoss(Expression(nodes, tuple(factor)), reduction=None, dtype="float64")
        np.testing.assert_allclose(run(loss)(X, Y), loss(X, Y), rtol=1e-9)


def test_numbers_may_be_infinite_and_labels_flat_or_out_of_range() -> None:
    loss = ExpressionLoss("tanh(y)*tanh(x)", epsilon=None, reduction=None, dtype="float64")
    x, y = np.array([1.0, -2.0, np.inf]), np.array([[np.inf], [0.5], [-np.inf]])
    np.testing.assert_allclose(run(loss)(x, y), loss(x, y))
    np.testing.assert_allclose(run(loss)(x[:, None], y), loss(x, y))
    sparse = glo_tf.Baikal(sparse=True, reduction=None, dtype="float64")
    labels = np.array([0, 3, -1, 4, 0.5, 1, 1, 0])
    np.testing.assert_allclose(run(sparse)(labels, Y), sparse(labels, Y))
    binary = glo_tf.Baikal(reduction=None, dtype="float64")
    np.testing.assert_allclose(
        run(binary)(labels[:2] % 2, Y[:2, :1]), binary(labels[:2] % 2, Y[:2, :1])
    )
    constant = ExpressionLoss("3", reduction=None, dtype="float64")
    np.testing.assert_allclose(run(constant)(X, Y), constant(X, Y))


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


def test_the_plot_of_an_expression_is_that_of_its_loss() -> None:
    loss = glo_tf.Baikal()
    for ours, theirs in zip(plot_loss(loss.tree).axes, loss.plot().axes, strict=True):
        for line, of_loss in zip(ours.lines, theirs.lines, strict=True):
            np.testing.assert_array_equal(line.get_data(), of_loss.get_data())
        assert "loss" in ours.get_legend().get_texts()[-1].get_text()
