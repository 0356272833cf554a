"""The same samples in every form that users have them in, and what is said of others."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import tensorflow as tf

from glo_tf.data import arrays

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
Y = np.arange(40) % 3
TEXT = np.array(["a b", "c é", "", "d"] * 10)
BYTES = [text.encode() for text in TEXT]
FRAME = pd.DataFrame(X, columns=["height", "width", "age"], index=range(100, 140))
ROWS = tf.ragged.constant([[1, 2], [3], [4, 5, 6], []] * 10)


def refusal(samples, targets=Y, name="validation_data") -> str:
    """The message, which is one line of bounded length."""
    return refusal_of((samples, targets), name)


def refusal_of(data, name="validation_data") -> str:
    with pytest.raises(ValueError, match=f"^Expected .*{name}.* Received: ") as caught:
        arrays.load(name, data)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    return message


def _rows_as_objects() -> np.ndarray:
    rows = np.empty(len(X), object)
    rows[:] = list(X)
    return rows


def _arrow_frame() -> pd.DataFrame:
    pytest.importorskip("pyarrow")
    return FRAME.convert_dtypes(dtype_backend="pyarrow")


FORMS = {
    "tensor": lambda: tf.constant(X),
    "torch": lambda: pytest.importorskip("torch").tensor(X, requires_grad=True),
    "jax": lambda: pytest.importorskip("jax.numpy").array(X),
    "float64": lambda: X.astype(np.float64),
    "long double": lambda: X.astype(np.longdouble),
    "objects": lambda: X.astype(object),
    "rows as objects": _rows_as_objects,
    "list": X.tolist,
    "tuple of tuples": lambda: tuple(map(tuple, X.tolist())),
    "frame": lambda: FRAME,
    "nullable frame": FRAME.convert_dtypes,
    "arrow frame": _arrow_frame,
    "csr": lambda: scipy.sparse.csr_matrix(X),
    "coo": lambda: scipy.sparse.coo_array(X),
    "sparse tensor": lambda: tf.sparse.from_dense(X),
    "masked, nothing masked": lambda: np.ma.array(X),
    "Fortran order": lambda: np.asfortranarray(X),
}
