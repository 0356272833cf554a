"""All errors have one base, and are what they were before; they travel between processes."""

import ast
import inspect
import pathlib
import pickle

import pytest

import glo_tf
from glo_tf import errors
from glo_tf.errors import GloError, InvalidArgumentError, ParseError

PACKAGE = pathlib.Path(glo_tf.__file__).parent
CLASSES = [
    thing
    for thing in vars(errors).values()
    if inspect.isclass(thing) and issubclass(thing, GloError)
]


@pytest.mark.parametrize("kind", CLASSES)
def test_errors_are_exported_and_of_a_built_in_class_that_says_the_same(kind) -> None:
    assert getattr(glo_tf, kind.__name__) is kind
    assert kind.__name__ in glo_tf.__all__
    expected = {
        ValueError: (
            "InvalidArgumentError InvalidFileError ParseError PluginError StudyError "
            "ForeignFileError DatasetUnavailableError"
        ),
        TypeError: "InvalidArgumentTypeError",
        RuntimeError: "TrainingError UsageError",
    }
    built_in = [base for base, names in expected.items() if kind.__name__ in names.split()]
    assert all(issubclass(kind, base) for base in built_in)
    assert built_in or kind.__name__ in ("GloError", "CandidateTimeoutError")


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_survive_pickling_with_their_notes(kind, protocol) -> None:
    made = kind("y", "x * * y", 4) if kind is ParseError else kind("Expected y. Received: x=1")
    made.add_note("saved elsewhere")
    again = pickle.loads(pickle.dumps(made, protocol))
    assert type(again) is kind
    assert str(again) == str(made)
    assert again.args == made.args
    assert vars(again) == vars(made)


def test_a_parse_error_knows_its_column_after_pickling() -> None:
    with pytest.raises(ParseError) as caught:
        glo_tf.Expression.parse("log(y) - - /x")
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.column == caught.value.column > 1


def test_every_error_of_a_module_has_the_base() -> None:
    """Those that leave a module are errors of the package; `StopSearch` is a wish."""
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                bases = {ast.unparse(base) for base in node.bases}
                is_loss = any(base.endswith("Loss") for base in bases)  # such as SquaredError
                if (node.name.endswith("Error") and not is_loss) or "Exception" in bases:
                    found.append((node.name, bases))
    ours = {kind.__name__ for kind in CLASSES}
    without = {name for name, bases in found if not bases & ours}
    # A mistake, with the log that has its traceback, does not leave the command line; budgets end
    # the phases of a search, and what has no normal form stays as it is.
    inside = {"LoggedError", "BudgetSpent", "NoNormalForm"}
    assert without == {"GloError", "StopSearch", *inside}
    assert len(found) > 10


def test_what_is_expected_of_users_is_said_by_errors_of_the_package() -> None:
    """A bare `ValueError("Expected ...")` would be a bug to the command line."""
    bare = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("ValueError", "TypeError", "RuntimeError", "OSError")
                and "Expected" in ast.unparse(node)
            ):
                bare.append(f"{path.name}:{node.lineno}")
    # Of annotations, for `PluginError`; a plugin's data set in a test of tests.
    assert [place for place in bare if not place.startswith("options.py")] == []


def test_users_catch_what_they_caught_before() -> None:
    with pytest.raises(ValueError, match="Expected"):
        glo_tf.ExpressionLoss("x - y", epsilon=2.0)
    with pytest.raises(InvalidArgumentError, match="Expected"):
        glo_tf.ExpressionLoss("x - y", activation="relu")
    with pytest.raises(TypeError, match="Expected expression text"):
        glo_tf.Expression.parse(7)
    with pytest.raises(GloError, match="Expected expression text"):
        glo_tf.Expression.parse(7)
