import numpy as np
import pytest
from glo_tf_files.image_folder import image_folder
from PIL import Image

from glo_tf.testing import DatasetTestCase


@pytest.fixture
def folder(tmp_path):
    """Twenty reddish and twenty bluish images, no two alike, of several sizes and formats."""
    rng = np.random.default_rng(0)
    for channel, name in ((0, "red"), (2, "blue")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 128, (8 + number, 12, 3)).astype(np.uint8)
            pixels[..., channel] += 100
            suffix = ("png", "bmp", "jpg")[number % 3]
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.{suffix}")
    (tmp_path / "images" / ".hidden").mkdir()
    (tmp_path / "images" / "red" / "notes.txt").write_text("not an image")
    return tmp_path / "images"


class TestImageFolder(DatasetTestCase):
    name = "image_folder"

    @pytest.fixture
    def plugin_options(self, folder):
        return {"path": str(folder), "image_size": 6}


def test_each_sub_folder_is_a_class(folder) -> None:
    data = image_folder(path=str(folder), image_size=6, validation=0.2, test=0.1)
    assert data.num_classes == 2
    assert data.x_train.shape == (28, 6, 6, 3)
    assert (len(data.x_validation), len(data.x_test)) == (8, 4)
    for x, y in ((data.x_train, data.y_train), (data.x_test, data.y_test)):
        assert 0.0 <= x.min() < x.max() <= 1.0
        red, blue = x[..., 0].mean(axis=(1, 2)), x[..., 2].mean(axis=(1, 2))
        np.testing.assert_array_equal(y, red > blue)  # blue is the first by name
        assert np.bincount(y).tolist() == [len(y) // 2] * 2


def test_the_seed_draws_the_splits(folder) -> None:
    first, second = (image_folder(path=str(folder), seed=seed).x_test for seed in (0, 1))
    assert first.shape == second.shape
    assert (first != second).any()


def test_grayscale_has_one_channel(folder) -> None:
    assert image_folder(path=str(folder), grayscale=True).input_shape == (32, 32, 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"path": "nowhere"}, "Expected a folder .* Received: path=nowhere"),
        ({"image_size": 0}, "image_size=0"),
        ({"validation": 0.0}, "validation=0.0"),
        ({"test": 1.0}, "test=1.0"),
        ({"seed": -1}, "seed=-1"),
        ({"validation": 0.5, "test": 0.5}, "Received: 20 of 'blue', validation=0.5, test=0.5"),
    ],
)
def test_options_that_make_no_sense_are_refused(folder, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        image_folder(**{"path": str(folder), **options})


def test_a_folder_of_one_class_is_refused(folder) -> None:
    with pytest.raises(ValueError, match="at least two classes"):
        image_folder(path=str(folder / "red"))


def test_images_of_sixteen_bits_are_those_of_eight(folder, tmp_path) -> None:
    """Pillow alone makes them white."""
    for name in ("red", "blue"):
        (tmp_path / "deep" / name).mkdir(parents=True)
        for file in (folder / name).glob("*.*[gp]"):
            gray = np.asarray(Image.open(file).convert("L"))
            Image.fromarray(gray).save(folder / name / f"{file.stem}.png")
            Image.fromarray(gray.astype(np.uint16) * 257).save(
                tmp_path / "deep" / name / f"{file.stem}.png"
            )
            if file.suffix != ".png":
                file.unlink()
    eight, sixteen = (image_folder(path=str(path)) for path in (folder, tmp_path / "deep"))
    np.testing.assert_array_equal(eight.x_train, sixteen.x_train)


def test_a_palette_with_transparency_is_its_colours(folder) -> None:
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    for transparency in (None, bytes(range(256))):
        image = Image.fromarray(pixels).convert("P")
        options = {} if transparency is None else {"transparency": transparency}
        image.save(folder / "red" / "palette.png", **options)
        found = image_folder(path=str(folder), seed=3)
        if transparency is None:
            opaque = found
    np.testing.assert_array_equal(opaque.x_train, found.x_train)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.7])
def test_an_image_cut_short_is_named(folder, share) -> None:
    file = folder / "red" / "0.png"
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"^Expected an image\. Received: .*0\.png \(") as caught:
        image_folder(path=str(folder))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_image_is_named(folder) -> None:
    (folder / "red" / "broken.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"Expected an image. Received: .*broken\.png"):
        image_folder(path=str(folder))
