"""What every architecture has to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from glo_tf.architectures import NamedArchitecture
from glo_tf.losses.baselines import CROSS_ENTROPY
from glo_tf.plugins.options import OptionValue
from glo_tf.testing.plugin import PluginTestCase
from glo_tf.testing.small_task import TRAIN_STEPS, small_task
from glo_tf.training.candidate import Candidate
from glo_tf.training.trial import Request, Status


class ArchitectureTestCase(PluginTestCase):
    """Tests of a registered architecture.

    Attributes:
        input_shapes: Shapes of one sample that it has to take; it is trained on the first.
        num_classes: Classes that it has to tell apart.
        from_logits: Whether it ends in logits, and is to be used with `--from_logits`.
    """

    group = "glo_tf.architectures"
    input_shapes: ClassVar[Sequence[tuple[int, ...]]] = ((8, 8, 1), (32, 32, 3))
    num_classes: ClassVar[int] = 7
    from_logits: ClassVar[bool] = False

    def test_outputs_are_class_probabilities(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """Shape `(N, C)`, at least 0, with a sum of 1; of logits, finite."""
        for shape in self.input_shapes:
            model = self.load()(shape, self.num_classes, **plugin_options)
            samples = np.random.default_rng(0).uniform(size=(3, *shape)).astype(np.float32)
            outputs = np.asarray(model(samples))
            assert outputs.shape == (3, self.num_classes)
            if self.from_logits:
                assert np.isfinite(outputs).all()
                continue
            np.testing.assert_allclose(outputs.sum(axis=1), 1.0, rtol=1e-5)
            assert (outputs >= 0.0).all()

    def test_construction_depends_on_the_seed_alone(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """The same seed gives the same weights, another one others."""
        from glo_tf.utils.seeding import seeded

        def weights(seed: int) -> np.ndarray:
            with seeded(seed):
                model = self._architecture(plugin_options)()
                model(np.zeros((1, *self.input_shapes[0]), np.float32))
            return np.concatenate([np.ravel(weight) for weight in model.get_weights()])

        np.testing.assert_array_equal(weights(3), weights(3))
        assert (weights(3) != weights(4)).any()

    def test_it_trains_and_again_with_the_same_result(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """What one training leaves behind must not reach the next."""
        trainer = small_task(
            self._architecture(plugin_options), from_logits=self.from_logits
        ).make_trainer()
        requests = [Request(Candidate(CROSS_ENTROPY), seed) for seed in (0, 1)]
        first = [trainer.evaluate(request) for request in requests]
        for evaluation in first:
            assert (evaluation.status, evaluation.steps) == (Status.OK, TRAIN_STEPS)
        assert [trainer.evaluate(request) for request in requests] == first

    def _architecture(self, options: Mapping[str, OptionValue]) -> NamedArchitecture:
        return NamedArchitecture(self.name, self.input_shapes[0], self.num_classes, options)
