"""What a search or a recommendation gives for `keras.Model.compile`."""

import keras
import pytest
from output_kinds import CLASSES, SAMPLES, build_model, targets

from glo_tf.expressions.tree import Expression
from glo_tf.losses.for_outputs import loss_for
from glo_tf.training.task import TrainingTask

TREE = Expression.parse("square(x - y)")
FORMS = {
    "indices": CLASSES,
    "a column of indices": CLASSES[:, None],
    "one-hot": keras.utils.to_categorical(CLASSES),
}


@pytest.mark.parametrize("others", [(), ("flag",), ("flags", "number")])
def test_it_takes_the_targets_that_trainings_had(others) -> None:
    """In whichever form, and of each output in its own."""
    names = ("classes", *others)
    found = []
    for labels in FORMS.values():
        given = {**targets(*names), "classes": labels} if others else labels
        data = SAMPLES, given
        task = TrainingTask.define(
            lambda: build_model(*names), "sgd", data, data, train_steps=1, standardize=False
        )
        keras.utils.set_random_seed(0)
        model = build_model(*names)
        model.compile(loss=loss_for(task.outputs, TREE))
        found.append(model.evaluate(SAMPLES, given, verbose=0, return_dict=True)["loss"])
    assert found == pytest.approx([found[0]] * 3, rel=1e-5)
