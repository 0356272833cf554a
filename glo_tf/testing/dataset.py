"""What every data set has to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest

from glo_tf.datasets import Dataset, DatasetUnavailableError
from glo_tf.identity import fingerprint
from glo_tf.plugins.options import OptionValue
from glo_tf.testing.plugin import PluginTestCase


class DatasetTestCase(PluginTestCase):
    """Tests of a registered data set; skips where it is not prepared and cannot be downloaded.

    Attributes:
        most_shared: Share of the validation and of the test samples that may occur in an earlier
            split too. Real data repeats itself; data of a few integers more than that.
    """

    group = "glo_tf.datasets"
    most_shared: ClassVar[float] = 0.05

    def data(self, options: Mapping[str, OptionValue]) -> Dataset:
        """The data, loaded anew."""
        try:
            data: Dataset = self.load()(data_dir=None, **options)
        except DatasetUnavailableError as error:
            pytest.skip(str(error))
        # A plugin raises what it likes, a skip of its own among it.
        except (Exception, pytest.skip.Exception) as error:
            raise AssertionError(
                "Expected a glo_tf.Dataset, or a DatasetUnavailableError where the data cannot be "
                f"had. Received: {type(error).__name__}: {error}"
            ) from error
        return data

    def test_samples_are_finite_float32_and_labels_are_integers(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """`glo_tf.Dataset` itself checks that lengths, shapes and labels fit together."""
        data = self.data(plugin_options)
        assert isinstance(data, Dataset)
        for samples, labels in _splits(data).values():
            assert samples.dtype == np.float32
            assert np.isfinite(samples).all()
            assert np.issubdtype(labels.dtype, np.integer)

    def test_the_splits_have_samples_of_their_own(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """A fitness on samples that were trained on says nothing."""
        seen: set[int] = set()
        for name, (samples, _) in _splits(self.data(plugin_options)).items():
            contents = [hash(sample.tobytes()) for sample in samples]
            shared = sum(content in seen for content in contents) / len(contents)
            assert shared <= self.most_shared, f"{name} has samples of the splits before it"
            seen.update(contents)

    def test_loaded_twice_it_is_the_same(self, plugin_options: Mapping[str, OptionValue]) -> None:
        """A search that is resumed finds the data that it began with."""
        first, second = (self._digest(plugin_options) for _ in range(2))
        assert first == second

    def _digest(self, options: Mapping[str, OptionValue]) -> str:
        return fingerprint.of_arrays(
            array for split in _splits(self.data(options)).values() for array in split
        )


def _splits(data: Dataset) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        name: (getattr(data, f"x_{name}"), getattr(data, f"y_{name}"))
        for name in ("train", "validation", "test")
    }
