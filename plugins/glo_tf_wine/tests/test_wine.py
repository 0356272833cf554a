import glo_tf_wine

from glo_tf.testing import DatasetTestCase


class TestWine(DatasetTestCase):
    name = "wine"


def test_wine_is_scaled_by_its_training_split() -> None:
    data = glo_tf_wine.wine()
    assert (len(data.x_train), len(data.x_validation), len(data.x_test)) == (106, 36, 36)
    assert data.input_shape == (13,)
    assert data.x_train.min() == 0.0
    assert data.x_train.max() == 1.0
    assert set(data.y_validation) == {0, 1, 2}
