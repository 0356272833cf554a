"""What a search gives back with its loss: the learning rate, the optimizer, and the scale."""

import copy
import io
import json
import pickle

import keras
import pytest
from hashed_search import make_search, trained_by_hashes
from rich.console import Console

import glo_tf
from glo_tf.display.search import show_result
from glo_tf.report.run_folder import read_search
from glo_tf.report.search_part import SearchPart
from glo_tf.screening.scale import relative_scale

SMALL = {"comparison_seeds": 0, "coefficient_expressions": 0, "initial_expressions": []}


def searched(monkeypatch, folder, **arguments):
    trained_by_hashes(monkeypatch)
    search = make_search(output_dir=folder, **{**SMALL, **arguments})
    return search, search.run()


def metadata(folder):
    return json.loads((folder / "best_loss.json").read_text())["metadata"]


def shown(result) -> str:
    file = io.StringIO()
    show_result(result, Console(file=file, width=200))
    return file.getvalue()


@pytest.mark.parametrize(
    ("optimizer", "rate", "config"),
    [
        ("adam", 0.001, keras.optimizers.Adam()),
        ({"class_name": "SGD", "config": {"learning_rate": 0.3}}, 0.3, keras.optimizers.SGD(0.3)),
        (lambda: keras.optimizers.SGD(0.2), 0.2, keras.optimizers.SGD(0.2)),
    ],
    ids=["name", "configuration", "function"],
)
def test_at_the_given_rate_the_loss_is_as_it_was_found(
    monkeypatch, tmp_path, optimizer, rate, config
) -> None:
    _, result = searched(monkeypatch, tmp_path, optimizer=optimizer)
    assert result.best_learning_rate == pytest.approx(rate)
    assert result.best_loss.tree == result.best.loss
    one, other = result.best_optimizer(), result.best_optimizer()
    assert one is not other
    assert type(one) is type(config)
    assert one.get_config() == {**config.get_config(), "name": one.name}
    assert f"\nLearning rate: {rate:g}\n" in shown(result)
    assert metadata(tmp_path)["learning_rate"] == result.best_learning_rate
    assert "scale" not in metadata(tmp_path)
    assert (
        f"# It was found at the learning rate {rate:g}.\n"
        in SearchPart(read_search(tmp_path)).usage
    )


def test_with_own_rates_it_can_take_the_place_of_the_usual_loss(monkeypatch, tmp_path) -> None:
    search, result = searched(monkeypatch, tmp_path, optimizer="sgd", learning_rate="own", seed=2)
    (loss,) = [result.best_loss]
    scale = relative_scale(result.best.loss, search.task.outputs)
    assert scale > 0
    assert scale != pytest.approx(1.0)
    own_scale = relative_scale(loss.tree, search.task.outputs)
    assert own_scale == pytest.approx(1.0, rel=5e-3)  # in three digits
    own = result.best.candidate.hyperparameters.learning_rate or search.task.learning_rate
    rate = pytest.approx(own * scale / own_scale, rel=1e-5)
    assert result.best_learning_rate == rate
    assert float(result.best_optimizer().learning_rate) == rate
    assert f"Best loss: {loss.expression}\n" in shown(result)
    written = metadata(tmp_path)
    assert (written["scale"], written["searched"]) == (1.0, str(result.best.loss))
    assert glo_tf.load_loss(tmp_path / "best_loss.json").expression == loss.expression
    part = SearchPart(read_search(tmp_path))
    assert part.found.loss == result.best.loss
    assert part.found.fitness == result.best.fitness
    assert part.searched == result.best.loss


def test_a_copy_knows_the_rate_but_no_optimizer(monkeypatch, tmp_path) -> None:
    _, result = searched(monkeypatch, tmp_path)
    for other in (pickle.loads(pickle.dumps(result)), copy.copy(result)):
        assert other == result
        assert other.best_learning_rate == result.best_learning_rate
        with pytest.raises(ValueError, match=r"Expected the result that LossSearch\.run returned"):
            other.best_optimizer()
    assert isinstance(result.best_optimizer(), keras.optimizers.SGD)


def test_a_report_refuses_what_no_search_writes(monkeypatch, tmp_path) -> None:
    searched(monkeypatch, tmp_path)
    path = tmp_path / "best_loss.json"
    document = json.loads(path.read_text())
    damaged = [("learning_rate", -1), ("learning_rate", True), ("remark", 3), ("searched", "x +")]
    for name, value in damaged:
        changed = {**document, "metadata": {**document["metadata"], name: value}}
        path.write_text(json.dumps(changed))
        with pytest.raises(ValueError, match=rf"^Expected [^\n]*'{name}'[^\n]*best_loss\.json'$"):
            read_search(tmp_path)
