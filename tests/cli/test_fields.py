"""Flags that are fields of dataclasses, from which they have name, type, default and help."""

import dataclasses
import inspect
import itertools
import math

import pytest
from absl import flags
from hypothesis import given
from hypothesis import strategies as st

import glo_tf
from glo_tf.cli.compare import make_comparison
from glo_tf.cli.fields import SECTIONS, flag_of, made_of_flags, read
from glo_tf.cli.flags import define_flags
from glo_tf.cli.search import given_references
from glo_tf.comparison.config import ComparisonArguments, ComparisonConfig, ComparisonKeywords
from glo_tf.execution.config import FailurePolicy, RunConfig
from glo_tf.search.config import SearchArguments, SearchBudget, SearchConfig, SearchKeywords
from glo_tf.search.genetic.gplearn_operators import GplearnOperators
from glo_tf.search.genetic.operators import GloOperators
from glo_tf.search.genetic.options import GloOptions, GplearnOptions
from glo_tf.strategies.ray import RayStrategy, ray_cluster
from glo_tf.strategies.ray_options import RayOptions
from glo_tf.training.config import TrainingConfig
from glo_tf.utils.checks import plain_types
from glo_tf.utils.keywords import descriptions

FIELDS = [(kind, field) for kind in SECTIONS for field in dataclasses.fields(kind)]
PLAIN = [(kind, field) for kind, field in FIELDS if plain_types(str(field.type))]
KINDS = {"bool": "bool", "int": "int", "float": "float", "str": "string"}
AS_TEXT = {"int": st.integers(-(2**31), 2**31 - 1), "float": st.floats(), "bool": st.booleans()}


def parsed(*arguments: str):
    values = define_flags()
    values(["glo-tf", *arguments])
    return values


def named(case) -> str:
    return case.name if isinstance(case, dataclasses.Field) else case.__name__


@pytest.mark.parametrize(("kind", "field"), FIELDS, ids=named)
def test_every_field_is_a_flag_with_its_default_and_its_text(kind, field) -> None:
    name = flag_of(kind, field.name)
    flag = define_flags()[name]
    default = getattr(made_of_flags(parsed(), kind), field.name)
    in_another_form = {
        "initial_expressions": [],
        "learning_rate": 0.01,
        "train_fraction": (field.default,),
    }
    assert default == in_another_form.get(name, field.default)
    assert flag.help
    assert not {"`", '"'} & set(flag.help)
    assert descriptions(kind)[field.name]


@pytest.mark.parametrize(("kind", "field"), PLAIN, ids=named)
def test_a_flag_has_the_type_of_its_field(kind, field) -> None:
    flag = define_flags()[flag_of(kind, field.name)]
    words = getattr(flag.parser, "enum_values", None)
    if words is None:
        assert flag.flag_type() == KINDS[plain_types(str(field.type))[0]]
    else:
        assert str(field.default) in words


def made_or_refused(make):
    try:
        return make()
    except ValueError as error:
        return str(error)


NUMBERS = [(kind, field) for kind, field in PLAIN if plain_types(str(field.type))[0] in AS_TEXT]
NUMBERS = [case for case in NUMBERS if case[1].name not in ("jit_compile", "standardize")]


@given(st.data(), st.sampled_from(NUMBERS))
def test_what_a_flag_is_given_arrives_or_is_refused_by_the_dataclass(data, case) -> None:
    kind, field = case
    value = data.draw(AS_TEXT[plain_types(str(field.type))[0]])
    text = f"--{flag_of(kind, field.name)}={value}"
    expected = made_or_refused(lambda: kind(**{field.name: value}))
    found = made_or_refused(lambda: made_of_flags(parsed(text), kind))
    if isinstance(expected, str):
        assert found == expected
        assert expected.startswith("Expected ")
        assert f"{field.name}={value}" in expected
    else:
        number = getattr(found, field.name)
        assert number == getattr(expected, field.name) == value or math.isnan(value)


@pytest.mark.parametrize(
    ("keywords", "arguments", "left_out"),
    [
        (SearchKeywords, SearchArguments, set()),
        (ComparisonKeywords, ComparisonArguments, {"losses", "test_data"}),
    ],
)
def test_keywords_are_the_arguments_with_their_types(keywords, arguments, left_out) -> None:
    types = {field.name: field.type for field in dataclasses.fields(arguments)}
    told = {name: said.__forward_arg__ for name, said in keywords.__annotations__.items()}
    assert told == {name: kind for name, kind in types.items() if name not in left_out}
    assert not keywords.__required_keys__


@pytest.mark.parametrize(
    ("function", "kinds"),
    [
        (
            glo_tf.LossSearch,
            (TrainingConfig, SearchConfig, SearchBudget, FailurePolicy, RunConfig),
        ),
        (glo_tf.LossComparison, (TrainingConfig, ComparisonConfig, FailurePolicy, RunConfig)),
        (glo_tf.compare, (TrainingConfig, ComparisonConfig, FailurePolicy, RunConfig)),
        (GloOperators, (GloOptions,)),
        (GplearnOperators, (GplearnOptions,)),
        (RayStrategy, (RayOptions,)),
        (ray_cluster, (RayOptions,)),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_every_setting_is_a_keyword_with_default_and_text(function, kinds) -> None:
    parameters = inspect.signature(function).parameters
    fields = {f.name: f for f in itertools.chain(*map(dataclasses.fields, kinds))}
    for name, field in fields.items():
        assert parameters[name].default == field.default
        assert parameters[name].annotation == field.type
    own = {"model", "train_data", "validation_data", "test_data", "losses", "tasks"}
    assert set(parameters) - set(fields) <= own | {"callbacks", "on_training", "space", "verbose"}
    if function is not ray_cluster:  # whose options --mode=list shows
        assert all(f"\n    {name}: " in function.__doc__ for name in parameters)


def test_a_learning_rate_is_a_number_or_a_word() -> None:
    for text, rate in [("own", "own"), ("given", "given"), ("2e-3", 0.002)]:
        assert parsed(f"--learning_rate={text}").learning_rate == rate
        written = parsed(f"--learning_rate={text}").flags_into_string()
        assert f"--learning_rate={rate}\n" in written
    for text in ("mine", "", "0.1x"):
        with pytest.raises(flags.Error, match="Expected a number, own or given"):
            parsed(f"--learning_rate={text}")


def test_read_gives_what_the_flags_say() -> None:
    values = parsed("--train_steps=7", "--jit_compile=false", "--initial_expressions=x*y")
    found = read(values, SearchKeywords)
    assert (found["train_steps"], found["jit_compile"]) == (7, False)
    assert found["initial_expressions"] == ["x*y"]
    assert found["population_size"] == SearchConfig.population_size
    assert "model" not in found
    assert read(parsed("--train_fraction=1,0.5"), ComparisonKeywords)["train_fraction"] == (1, 0.5)


@pytest.mark.parametrize(
    ("arguments", "losses"),
    [
        ([], None),
        (["--reference_losses="], []),
        (["--reference_losses=none"], []),
        (["--reference_losses=baikal, min(x, y) - x*log(y)"], ["baikal", "min(x, y) - x*log(y)"]),
    ],
)
def test_reference_losses_are_a_list_or_none(arguments, losses) -> None:
    assert given_references(parsed(*arguments)) == losses


def test_a_list_of_references_without_a_part_is_refused() -> None:
    with pytest.raises(ValueError, match="Received: reference_losses='baikal,,ngl'"):
        given_references(parsed("--reference_losses=baikal,,ngl"))


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("--train_fraction=0.5,half", "train_fraction=0.5,half"),
        ("--train_fraction=0.5,0", r"in \(0, 1\]\. Received: train_fraction=0\.0"),
        ("--tuning_seeds=0", "tuning_seeds of at least 1"),
        ("--max_consecutive_failures=0", "max_consecutive_failures of at least 1"),
        ("--batch_size=0", "batch_size of at least 1"),
        ("--learning_rate=0", "Received: learning_rate=0"),
        ("--learning_rate=own", "--tune_learning_rate"),
    ],
)
def test_bad_values_are_refused_before_data_is_loaded(argument, message) -> None:
    values = parsed("--losses=baikal", "--dataset=there_is_none", argument)
    with pytest.raises(ValueError, match=message):
        make_comparison(values, display=None)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [([], None), (["--class_weight=0:0.5,2:4"], {0: 0.5, 2: 4.0}), (["--class_weight="], None)],
)
def test_weights_of_classes_are_pairs(arguments, expected) -> None:
    assert made_of_flags(parsed(*arguments), TrainingConfig).class_weight == expected


@pytest.mark.parametrize("text", ["5", "a:1", "0:1:2", "0:b", "0:1,,1:2", "0:-1", "0.5:1"])
def test_what_are_no_weights_of_classes_is_refused_in_a_line(text) -> None:
    with pytest.raises(ValueError, match="class_weight") as refused:
        made_of_flags(parsed(f"--class_weight={text}"), TrainingConfig)
    assert "\n" not in str(refused.value)


def test_lanes_are_a_number_or_found() -> None:
    assert made_of_flags(parsed("--lanes=8"), TrainingConfig).lanes == 8
    assert made_of_flags(parsed("--lanes=auto"), TrainingConfig).lanes == "auto"
    with pytest.raises(flags.IllegalFlagValueError, match="Expected a whole number, or auto"):
        parsed("--lanes=many")
    for wrong in (0, "many", True):
        with pytest.raises(ValueError, match=f"Expected lanes .* Received: lanes='?{wrong}'?"):
            TrainingConfig(lanes=wrong)
