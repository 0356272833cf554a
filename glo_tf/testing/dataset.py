"""What every data set has to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import pytest

from glo_tf.data.named_parts import named_parts
from glo_tf.datasets import SPLITS, Dataset, DatasetUnavailableError
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
    _loaded: ClassVar[dict[tuple[type, str], Dataset]] = {}

    @classmethod
    def teardown_class(cls) -> None:
        """Data may be large."""
        cls._loaded.clear()

    def loaded(self, options: Mapping[str, OptionValue]) -> Dataset:
        """The data, loaded once for tests that leave it as it is."""
        key = type(self), repr(sorted(options.items()))
        if key not in self._loaded:
            self._loaded.clear()
            self._loaded[key] = self.data(options)
        return self._loaded[key]

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
        """`glo_tf.Dataset` itself checks that lengths, shapes and labels fit together.

        Samples may be integers, such as of words, and targets that are numbers are finite float32.
        """
        data = self.loaded(plugin_options)
        assert isinstance(data, Dataset)
        classes = dict(named_parts("", data.num_classes))
        for split in SPLITS:
            for _, samples in named_parts("", getattr(data, f"x_{split}")):
                assert samples.dtype == np.float32 or np.issubdtype(samples.dtype, np.integer)
                assert np.isfinite(samples).all()
            for name, targets in named_parts("", getattr(data, f"y_{split}")):
                if classes.get(name, data.num_classes) is None:
                    assert targets.dtype == np.float32
                    assert np.isfinite(targets).all()
                else:
                    assert np.issubdtype(targets.dtype, np.integer)

    def test_a_search_can_take_it(self, plugin_options: Mapping[str, OptionValue]) -> None:
        """With its weights, and more than one batch's worth of each split's structure."""
        from glo_tf.data import arrays

        data = self.loaded(plugin_options)
        for split in SPLITS:
            loaded = arrays.load(split, data.split(split))
            assert (loaded.weights is None) == (getattr(data, f"weights_{split}") is None)

    def test_the_splits_have_samples_of_their_own(
        self, plugin_options: Mapping[str, OptionValue]
    ) -> None:
        """A fitness on samples that were trained on says nothing."""
        seen: set[int] = set()
        data = self.loaded(plugin_options)
        for name in SPLITS:
            parts = [part for _, part in named_parts("", getattr(data, f"x_{name}"))]
            contents = [
                hash(tuple(part.tobytes() for part in sample))
                for sample in zip(*parts, strict=True)
            ]
            shared = sum(content in seen for content in contents) / len(contents)
            assert shared <= self.most_shared, f"{name} has samples of the splits before it"
            seen.update(contents)

    def test_loaded_twice_it_is_the_same(self, plugin_options: Mapping[str, OptionValue]) -> None:
        """A search that is resumed finds the data that it began with."""
        first, second = self.loaded(plugin_options), self.data(plugin_options)
        assert self._digest(first) == self._digest(second)

    def _digest(self, data: Dataset) -> str:
        structures = (structure for split in SPLITS for structure in data.split(split))
        parts = (part for structure in structures for _, part in named_parts("", structure))
        return fingerprint.of_arrays(part for part in parts if part is not None)
