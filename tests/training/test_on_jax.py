"""What a process with Keras on JAX does, and one without TensorFlow."""

import os
import pathlib
import sys

import pytest
from side_programs import Program

TESTS = pathlib.Path(__file__).parent / "jax"
_WITHOUT = """
import os, sys

class Absent:
    def find_spec(name, *_):
        if name.partition(".")[0] in ("tensorflow", "tensorflow_datasets"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent)
import pytest
code = pytest.main(sys.argv[1:])
sys.stdout.flush()
os._exit(code)  # to let go of what is compiled takes JAX seconds
"""

JAX = Program(
    "jax",
    lambda _: [sys.executable, "-c", _WITHOUT, "-q", "-x", "-p", "no:cacheprovider", str(TESTS)],
    needs=["jax"],
    environment={
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2",
    },
)


@pytest.mark.slow
@pytest.mark.beside(JAX)
def test_trainings_on_jax_need_no_tensorflow(beside) -> None:
    tests = beside(JAX)
    assert tests.code == 0, tests.out[-5000:] + tests.err[-2000:]
