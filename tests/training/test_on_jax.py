"""What a process with Keras on JAX does, and one without TensorFlow."""

import os
import pathlib
import subprocess
import sys

import pytest

TESTS = pathlib.Path(__file__).parent / "jax"
_WITHOUT = """
import sys

class Absent:
    def find_spec(name, *_):
        if name.partition(".")[0] in ("tensorflow", "tensorflow_datasets"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent)
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


_EVERY_TRAINER = "test_trainer.py"
"""What every trainer has to do: as long as all others together, and beside them in time."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "which",
    [[TESTS / _EVERY_TRAINER], [TESTS, f"--ignore={TESTS / _EVERY_TRAINER}"]],
    ids=["trainer", "others"],
)
def test_trainings_on_jax_need_no_tensorflow(which) -> None:
    pytest.importorskip("jax")
    devices = "--xla_force_host_platform_device_count=2"
    environment = {
        **os.environ,
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} {devices}",
    }
    arguments = ["-q", "-x", "-p", "no:cacheprovider", *map(str, which)]
    tests = subprocess.run(
        [sys.executable, "-c", _WITHOUT, *arguments],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert tests.returncode == 0, tests.stdout[-5000:] + tests.stderr[-2000:]
