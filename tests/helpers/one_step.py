"""One step of a training beside one step of `Model.fit`."""

import keras
import numpy as np

from glo_tf.expressions.tree import Expression
from glo_tf.training.candidate import Candidate
from glo_tf.training.task import TrainingTask
from glo_tf.training.trial import Request

BATCH = 50
# With coefficients, which make the graph of a training small.
CROSS_ENTROPY = Expression.parse("-0.5*(2*x*log(y))")
OF_LABELS = Expression.parse("-0.5*(2*x*log(y) + 2*(1 - x)*log(1 - y))")
SQUARED_ERROR = Expression.parse("0.25*square(2*(x - y))")


def task(model, train, validation=None, **settings) -> TrainingTask:
    given = {"train_steps": 1, "batch_size": BATCH, "jit_compile": False, "standardize": False}
    settings = {**given, **settings}
    optimizer = keras.optimizers.SGD(0.5)
    return TrainingTask.define(model, optimizer, train, validation or train[:2], **settings)


def one_step(defined: TrainingTask, loss: Expression):
    """Weights of the model before and after one step, and the samples of that step."""
    trainer = defined.make_trainer()
    before = [np.array(value) for value in trainer._initial(0)][: len(trainer._model.weights)]
    trainer.evaluate(Request(Candidate(loss), seed=0))
    return before, trainer._model.get_weights(), trainer._batches(0).numpy()[0]


def check_step(defined, model, loss, x, y, *, tree=CROSS_ENTROPY, factor=1.0, w=None, **of_fit):
    """The reference is one step of Keras, with its loss, on the same samples."""
    before, ours, order = one_step(defined, tree)
    theirs = model()
    theirs.set_weights(before)
    of_loss = {} if factor == 1.0 else {"loss_weights": [factor]}
    theirs.compile(keras.optimizers.SGD(0.5), loss, run_eagerly=True, **of_loss)
    x, y, w = keras.tree.map_structure(
        lambda part: None if part is None else part[order], (x, y, w)
    )
    theirs.fit(x, y, BATCH, sample_weight=w, shuffle=False, verbose=0, **of_fit)
    moved = [np.abs(after - start).max() for after, start in zip(ours, before, strict=True)]
    assert max(moved) > 1e-3
    for left, right in zip(ours, theirs.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, atol=1e-6)
