"""A search continues with the user's code as it was, and with no other of the same name."""

import dataclasses
import types

import pytest
from three_classes import LABELS, SAMPLES, build_model

from glo_tf.execution.study import Study
from glo_tf.execution.study_file import StudyError
from glo_tf.expressions import operations
from glo_tf.expressions.tree import Expression
from glo_tf.report.run_folder import read_search
from glo_tf.search.loss_search import LossSearch
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Evaluation, Request

DATA = SAMPLES, LABELS


def make_search(output_dir, **settings) -> LossSearch:
    return LossSearch(
        build_model,
        DATA,
        DATA,
        train_steps=2,
        batch_size=20,
        jit_compile=False,
        population_size=4,
        elites=1,
        generations=1,
        output_dir=output_dir,
        **settings,
    )


CODE = {
    "metric": (
        """
        def own(y_true, y_pred):
            return y_pred[:, 0] * FACTOR

        settings = {"metric": own, "metric_mode": "max"}
        """,
        "task.metric_code",
    ),
    "metric that closes over a number": (
        """
        def with_factor(factor):
            def own(y_true, y_pred):
                return y_pred[:, 0] * factor
            return own

        settings = {"metric": with_factor(FACTOR), "metric_mode": "max"}
        """,
        "task.metric_code",
    ),
    "metric class": (
        """
        import keras

        class Own(keras.metrics.Mean):
            def update_state(self, y_true, y_pred, sample_weight=None):
                return super().update_state(FACTOR * y_pred[:, 0])

        settings = {"metric": Own(name="own"), "metric_mode": "max"}
        """,
        "task.metric_code",
    ),
    "metrics in a list": (
        """
        def own(y_true, y_pred):
            return y_pred[:, 0] * FACTOR

        settings = {"metric": [own], "metric_mode": "max"}
        """,
        "task.metric_code",
    ),
    "operators": (
        """
        from glo_tf.search.genetic.operators import GloOperators
        from glo_tf.search.spaces.space import glo

        class Own(GloOperators):
            def mutate(self, nodes, rng):
                return super().mutate(nodes, rng) if rng.random() < FACTOR / 4 else nodes

        settings = {"operators": Own(glo())}
        """,
        "operators.code",
    ),
    "operators with private state": (
        """
        class Own:
            def __init__(self):
                self._rate = FACTOR

            def breed(self, select, rng):
                return [select()]

        settings = {"operators": Own()}
        """,
        "operators.code",
    ),
    "operators with slots": (
        """
        class Own:
            __slots__ = ("rate",)

            def __init__(self):
                self.rate = FACTOR

            def breed(self, select, rng):
                return [select()]

        settings = {"operators": Own()}
        """,
        "operators.code",
    ),
    "invariant": (
        """
        import dataclasses
        from glo_tf.search.spaces.space import glo

        def likely(loss, num_classes):
            return loss.size < 10 * FACTOR

        settings = {"search_space": dataclasses.replace(glo(), invariant=likely)}
        """,
        "search_space.code",
    ),
    "factory of operators": (
        """
        import dataclasses
        from glo_tf.search.genetic.operators import GloOperators
        from glo_tf.search.spaces.space import glo

        def operators(space):
            return GloOperators(space, grow_probability=0.025) if FACTOR else None

        settings = {"search_space": dataclasses.replace(glo(), operators=operators)}
        """,
        "search_space.code",
    ),
    "parameterization": (
        """
        from glo_tf.expressions.tree import Expression
        from glo_tf.search.coefficients.parameterization import Parameterization
        from glo_tf.results.record import Phase
        from glo_tf.search.spaces.space import SearchSpace

        def tree(theta):
            return Expression(("*", "x", "y"), (1.0, 1.0 + FACTOR * theta[0], 1.0))

        space = SearchSpace(
            "own",
            "",
            {},
            phases=(Phase.COEFFICIENTS,),
            parameterization=Parameterization(tree, (0.0,)),
        )
        settings = {"search_space": space}
        """,
        "search_space.code",
    ),
    "schedule": (
        """
        import keras

        @keras.saving.register_keras_serializable(package=f"schedules{FACTOR}")
        class Own(keras.optimizers.schedules.LearningRateSchedule):
            def __call__(self, step):
                return 0.1 / FACTOR

            def get_config(self):
                return {}

        settings = {"optimizer": keras.optimizers.SGD(Own())}
        """,
        "task.optimizer_code",
    ),
    "optimizer": (
        """
        import keras

        @keras.saving.register_keras_serializable(package=f"optimizers{FACTOR}")
        class Own(keras.optimizers.SGD):
            def update_step(self, gradient, variable, learning_rate):
                super().update_step(FACTOR * gradient, variable, learning_rate)

        settings = {"optimizer": Own(0.1)}
        """,
        "task.optimizer_code",
    ),
}


def settings_of(source: str, factor: int) -> dict[str, object]:
    """What a module of the user passes to its search; a new one each time, as in a new process."""
    module = types.ModuleType("users_module")
    lines = [line.removeprefix(" " * 8) for line in source.splitlines()]
    exec("\n".join([f"FACTOR = {factor}", *lines]), vars(module))
    return vars(module)["settings"]


@pytest.mark.parametrize("what", CODE)
def test_a_study_is_continued_with_the_same_code_only(tmp_path, what) -> None:
    source, setting = CODE[what]
    make_search(tmp_path, **settings_of(source, 1))
    make_search(tmp_path, **settings_of(source, 1))
    before = (tmp_path / "study.db").read_bytes()
    with pytest.raises(StudyError, match="to resume it") as error:
        make_search(tmp_path, **settings_of(source, 2))
    assert f", {setting}=" in str(error.value)
    assert "\n" not in str(error.value)
    assert (tmp_path / "study.db").read_bytes() == before
    make_search(tmp_path, **settings_of(source, 1))


def test_a_report_names_a_users_metric_as_ever(tmp_path) -> None:
    make_search(tmp_path, **settings_of(CODE["metric"][0], 1))
    files = read_search(tmp_path)
    assert (files.metric, files.minimized) == ("own", False)


def test_code_that_cannot_be_hashed_begins_a_study_and_continues_none(tmp_path, caplog) -> None:
    source = """
        import threading
        lock = threading.Lock()

        def own(y_true, y_pred):
            with lock:
                return y_pred[:, 0]

        settings = {"metric": own, "metric_mode": "max"}
        """
    search = make_search(tmp_path, **settings_of(source, 1))
    assert "no later run can resume it: task.metric_code" in caplog.text
    search.evaluate(["-(x*log(y))"])  # it goes on in its own study
    search.close()
    with pytest.raises(StudyError, match=r"cannot be hashed, .*: an object of _thread\.lock"):
        make_search(tmp_path, **settings_of(source, 1))
    make_search(tmp_path, overwrite=True, **settings_of(source, 1))
    make_search(None, **settings_of(source, 1)).evaluate(["-(x*log(y))"])


def test_a_node_with_another_rule_is_trained_again(tmp_path, monkeypatch) -> None:
    def rule(power: int) -> operations.Operation:
        return operations.Operation(
            name="own_power",
            arity=1,
            description="A power.",
            value=lambda ops, a: a**power,
            slope=lambda ops, value, a: power * a.value ** (power - 1) * a.slope,
            sympy=lambda sympy, a: sympy.Pow(a, power),
        )

    monkeypatch.setattr(operations, "_registry", dict(operations._registry))
    operations.register(rule(3))
    request = Request(Candidate(Expression.parse("own_power(x - y)")), 0)
    evaluation = Evaluation(request.candidate, 0, 0.5, "ok", 2, 0.1)

    def found() -> Evaluation | None:
        study = Study.open(tmp_path / "study.db", {}, {})
        try:
            return study.find(request)
        finally:
            study.close()

    study = Study.open(tmp_path / "study.db", {}, {})
    study.add(request, evaluation)
    study.close()
    assert found() == evaluation
    monkeypatch.setitem(operations._registry, "own_power", rule(3))
    assert found() == evaluation
    monkeypatch.setitem(
        operations._registry, "own_power", dataclasses.replace(rule(3), description="-")
    )
    assert found() == evaluation
    monkeypatch.setitem(operations._registry, "own_power", rule(5))
    assert found() is None
