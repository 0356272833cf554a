"""The plugins of this repository: each is installed, passes its own tests and is used."""

import pathlib

import installed_plugins
import numpy as np
import pytest
from PIL import Image

PLUGINS = pathlib.Path(__file__).parents[2] / "plugins"


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.parent.name for path in PLUGINS.glob("*/setup.py")))
def test_it_passes_its_own_tests(name, installed) -> None:
    environment = installed(name)
    output = installed_plugins.run_tests(PLUGINS / name / "tests", environment)
    assert " passed" in output
    assert "skipped" not in output
    assert name in installed_plugins.glo_tf("--mode=list", environment=environment)


@pytest.mark.slow
def test_images_of_ones_own_train_a_residual_network(tmp_path, installed) -> None:
    rng = np.random.default_rng(0)
    for brightness, name in ((100, "day"), (0, "night")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(10):
            pixels = (brightness + rng.integers(0, 100, (16, 16, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    installed_plugins.glo_tf(
        *installed_plugins.QUICK,
        *("--dataset=image_folder", f"--dataset_options=path={tmp_path / 'photos'},image_size=16"),
        *("--architecture=resnet", "--architecture_options=width=2"),
        f"--output_dir={tmp_path / 'out'}",
        environment=installed("glo_tf_files", "glo_tf_resnet"),
    )
    assert (tmp_path / "out" / "history.csv").is_file()
