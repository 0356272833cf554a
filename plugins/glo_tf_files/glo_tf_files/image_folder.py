"""Images in one folder per class."""

from __future__ import annotations

import pathlib

import numpy as np
from PIL import Image, ImageOps

from glo_tf.datasets import Dataset
from glo_tf_files.splits import stratified_splits

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".webp")
"""Of the files that are read."""

_LARGEST = 2**16 - 1  # of a pixel


def image_folder(
    data_dir: str | None = None,
    *,
    path: str,
    image_size: int = 32,
    grayscale: bool = False,
    validation: float = 0.15,
    test: float = 0.15,
    seed: int = 0,
) -> Dataset:
    """Images of your own: a folder with one sub-folder per class.

    Args:
        data_dir: Unused; every data set is given `--data_dir`.
        path: The folder. The names of its sub-folders, sorted, are the classes; hidden ones, and
            files that are not among `SUFFIXES`, are left out.
        image_size: Height and width in pixels; an image is cropped to a square in its middle, then
            scaled.
        grayscale: Whether to make one channel instead of three.
        validation: Share of each class that decides the fitness.
        test: Share of each class that a search never sees.
        seed: Of the splits.

    Returns:
        Samples `(N, image_size, image_size, 3 or 1)` in [0, 1].

    Raises:
        ValueError: If an option is out of range, there is no such folder, it has fewer than two
            classes or too few images of one, or an image cannot be read.
    """
    del data_dir
    if image_size < 1:
        raise ValueError(f"Expected image_size of at least 1. Received: image_size={image_size}")
    try:
        folder = pathlib.Path(path).expanduser()
    except RuntimeError:  # of a user who is not known
        folder = pathlib.Path(path)
    if not folder.is_dir():
        raise ValueError(f"Expected a folder with one sub-folder per class. Received: path={path}")
    files = {
        child.name: sorted(f for f in child.iterdir() if f.suffix.lower() in SUFFIXES)
        for child in sorted(folder.iterdir())
        if child.is_dir() and not child.name.startswith(".")
    }
    labels = np.repeat(
        np.arange(len(files), dtype=np.int32), [len(images) for images in files.values()]
    )
    # Before any image is read: bad shares are not to cost the time of reading.
    splits = stratified_splits(labels, list(files), validation=validation, test=test, seed=seed)
    samples = np.stack(
        [_read(file, image_size, grayscale) for images in files.values() for file in images]
    )
    arrays = [array for split in splits for array in (samples[split], labels[split])]
    return Dataset("image_folder", *arrays, num_classes=len(files))


def _read(file: pathlib.Path, size: int, grayscale: bool) -> np.ndarray:
    try:
        with Image.open(file) as image:
            upright = _in_eight_bits(ImageOps.exif_transpose(image))
            square = ImageOps.fit(upright.convert("L" if grayscale else "RGB"), (size, size))
    except Exception as error:  # broken files make Pillow raise errors of many kinds
        reason = str(error).replace(str(file), "").partition("\n")[0][:100]
        raise ValueError(
            f"Expected an image. Received: {file} ({type(error).__name__}: {reason})"
        ) from error
    return np.asarray(square, np.float32).reshape(size, size, -1) / np.float32(255.0)


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Pillow's conversion cuts what is over 255, and warns of palettes with transparency."""
    if image.mode == "P":
        return image.convert("RGBA")
    if image.mode not in ("F", "I") and not image.mode.startswith("I;"):
        return image
    pixels = np.asarray(image)
    if image.mode == "F" or pixels.min() < 0 or pixels.max() > _LARGEST:
        raise ValueError("pixels of more than 16 bits")
    return Image.fromarray((pixels / (_LARGEST / 255)).round().astype(np.uint8))
