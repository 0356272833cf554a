"""Hashes of users' code: what changes a value changes them, and nothing else does."""

import functools
import importlib
import os
import subprocess
import sys
import textwrap
import types

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis_examples import examples

from glo_tf.identity.code_identity import code_of
from glo_tf.search.genetic.gplearn_operators import GplearnOperators
from glo_tf.search.genetic.operators import GloOperators
from glo_tf.search.spaces.space import glo
from glo_tf.search.spaces.taylor import taylor


def made(source: str, name: str = "f") -> object:
    """What a user's module of this source has under a name."""
    module = types.ModuleType("users_module")
    exec(textwrap.dedent(source), vars(module))
    return vars(module)[name]


DIFFERENT = {
    "body": ("def f(a): return a + 1", "def f(a): return a - 1"),
    "constant": ("def f(a): return a * 2", "def f(a): return a * 3"),
    "constant's type": ("def f(a): return a * 2", "def f(a): return a * 2.0"),
    "constant's sign": ("def f(a): return a * 0.0", "def f(a): return a * -0.0"),
    "constant set": ("def f(a): return a in {1, 2}", "def f(a): return a in {1, 3}"),
    "attribute": ("def f(a): return a.mean()", "def f(a): return a.sum()"),
    "comparison": ("def f(a): return a < 1", "def f(a): return a <= 1"),
    "branch": ("def f(a): return 1 if a else 2", "def f(a): return 1 if not a else 2"),
    "default": ("def f(a, b=1): return a + b", "def f(a, b=2): return a + b"),
    "keyword default": ("def f(a, *, b=1): return a + b", "def f(a, *, b=2): return a + b"),
    "argument's name": ("def f(a, *, b=1): return b", "def f(a, *, c=1): return c"),
    "order of arguments": ("def f(a, b): return a - b", "def f(b, a): return a - b"),
    "except": (
        "def f(a):\n    try: return 1 / a\n    except ValueError: return 0",
        "def f(a):\n    try: return 1 / a\n    except ZeroDivisionError: return 0",
    ),
    "global number": ("K = 1\ndef f(a): return a * K", "K = 2\ndef f(a): return a * K"),
    "global list": ("K = [1, 2]\ndef f(a): return K", "K = [2, 1]\ndef f(a): return K"),
    "global dict": ("K = {'a': 1}\ndef f(a): return K", "K = {'a': 2}\ndef f(a): return K"),
    "global array": (
        "import numpy as np\nK = np.array([1.0, 2.0])\ndef f(a): return K",
        "import numpy as np\nK = np.array([1.0, 2.5])\ndef f(a): return K",
    ),
    "array's type": (
        "import numpy as np\nK = np.zeros(2, 'f4')\ndef f(a): return K",
        "import numpy as np\nK = np.zeros(2, 'i4')\ndef f(a): return K",
    ),
    "global function": (
        "def g(a): return a\ndef f(a): return g(a)",
        "def g(a): return -a\ndef f(a): return g(a)",
    ),
    "function of a function": (
        "def h(a): return a\ndef g(a): return h(a)\ndef f(a): return g(a)",
        "def h(a): return -a\ndef g(a): return h(a)\ndef f(a): return g(a)",
    ),
    "function in a list": (
        "G = [lambda a: a]\ndef f(a): return G[0](a)",
        "G = [lambda a: -a]\ndef f(a): return G[0](a)",
    ),
    "function within": (
        "def f(a):\n    def g(b): return b\n    return g(a)",
        "def f(a):\n    def g(b): return -b\n    return g(a)",
    ),
    "comprehension": (
        "K = 1\ndef f(a): return [b * K for b in a]",
        "K = 2\ndef f(a): return [b * K for b in a]",
    ),
    "lambda": ("f = lambda a: a + 1", "f = lambda a: a + 2"),
    "lambdas on a line": (
        "g, f = lambda a: a, lambda a: a + 1",
        "g, f = lambda a: a, lambda a: a + 2",
    ),
    "closure": (
        "def g(k):\n    def f(a): return a * k\n    return f\nf = g(1)",
        "def g(k):\n    def f(a): return a * k\n    return f\nf = g(2)",
    ),
    "partial": (
        "import functools\ndef g(a, k): return a * k\nf = functools.partial(g, k=1)",
        "import functools\ndef g(a, k): return a * k\nf = functools.partial(g, k=2)",
    ),
    "partial's function": (
        "import functools\ndef g(a, k): return a * k\nf = functools.partial(g, k=1)",
        "import functools\ndef g(a, k): return a + k\nf = functools.partial(g, k=1)",
    ),
    "decorated": (
        "import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(a): return g(a)\n"
        "    return w\n@d\ndef f(a): return a",
        "import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(a): return g(a)\n"
        "    return w\n@d\ndef f(a): return -a",
    ),
    "decorator": (
        "import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(a): return g(a)\n"
        "    return w\n@d\ndef f(a): return a",
        "import functools\ndef d(g):\n    @functools.wraps(g)\n    def w(a): return 2 * g(a)\n"
        "    return w\n@d\ndef f(a): return a",
    ),
    "cached": (
        "import functools\n@functools.cache\ndef f(a): return a",
        "import functools\n@functools.cache\ndef f(a): return -a",
    ),
    "tf.function": (
        "import tensorflow as tf\n@tf.function\ndef f(a): return a",
        "import tensorflow as tf\n@tf.function\ndef f(a): return -a",
    ),
    "vectorized": (
        "import numpy as np\n@np.vectorize\ndef f(a): return a",
        "import numpy as np\n@np.vectorize\ndef f(a): return -a",
    ),
    "function's attribute": (
        "def f(a): return f.k\nf.k = 1",
        "def f(a): return f.k\nf.k = 2",
    ),
    "library function": (
        "import numpy as np\ndef f(a): return np.sum(a)",
        "import numpy as np\ndef f(a): return np.prod(a)",
    ),
    "library function by name": (
        "from math import sin as g\ndef f(a): return g(a)",
        "from math import cos as g\ndef f(a): return g(a)",
    ),
    "ufunc": (
        "import numpy as np\ng = np.log\ndef f(a): return g(a)",
        "import numpy as np\ng = np.exp\ndef f(a): return g(a)",
    ),
    "method": (
        "class f:\n    def m(self): return 1",
        "class f:\n    def m(self): return 2",
    ),
    "static method": (
        "class f:\n    @staticmethod\n    def m(): return 1",
        "class f:\n    @staticmethod\n    def m(): return 2",
    ),
    "property": (
        "class f:\n    @property\n    def m(self): return 1",
        "class f:\n    @property\n    def m(self): return 2",
    ),
    "cached property": (
        "import functools\nclass f:\n    @functools.cached_property\n    def m(self): return 1",
        "import functools\nclass f:\n    @functools.cached_property\n    def m(self): return 2",
    ),
    "class attribute": ("class f: k = 1", "class f: k = 2"),
    "base class": (
        "class B:\n    def m(self): return 1\nclass f(B): pass",
        "class B:\n    def m(self): return 2\nclass f(B): pass",
    ),
    "metaclass": (
        "class M(type):\n    def m(self): return 1\nclass f(metaclass=M): pass",
        "class M(type):\n    def m(self): return 2\nclass f(metaclass=M): pass",
    ),
    "state": (
        "class C:\n    def __init__(self, k): self._k = k\nf = C(1)",
        "class C:\n    def __init__(self, k): self._k = k\nf = C(2)",
    ),
    "state in slots": (
        "class C:\n    __slots__ = ('k',)\n    def __init__(self, k): self.k = k\nf = C(1)",
        "class C:\n    __slots__ = ('k',)\n    def __init__(self, k): self.k = k\nf = C(2)",
    ),
    "state of a list": (
        "class C(list): pass\nf = C([1])",
        "class C(list): pass\nf = C([2])",
    ),
    "hidden state": (
        "class C:\n    def __init__(self, k): self.k = k\n"
        "    def __getstate__(self): return {}\nf = C(1)",
        "class C:\n    def __init__(self, k): self.k = k\n"
        "    def __getstate__(self): return {}\nf = C(2)",
    ),
    "callable object": (
        "class C:\n    def __call__(self, a): return a\nf = C()",
        "class C:\n    def __call__(self, a): return -a\nf = C()",
    ),
    "bound method": (
        "class C:\n    def __init__(self, k): self.k = k\n"
        "    def m(self, a): return a * self.k\nf = C(1).m",
        "class C:\n    def __init__(self, k): self.k = k\n"
        "    def m(self, a): return a * self.k\nf = C(2).m",
    ),
    "dataclass": (
        "import dataclasses\n@dataclasses.dataclass\nclass f:\n    k: int = 1",
        "import dataclasses\n@dataclasses.dataclass\nclass f:\n    k: int = 2",
    ),
    "enum": (
        "import enum\nclass E(enum.Enum):\n    A = 1\ndef f(a): return E.A.value",
        "import enum\nclass E(enum.Enum):\n    A = 2\ndef f(a): return E.A.value",
    ),
    "recursion": (
        "def f(a): return f(a - 1) if a else 0",
        "def f(a): return f(a - 1) if a else 1",
    ),
    "mutual recursion": (
        "def g(a): return f(a)\ndef f(a): return g(a - 1)",
        "def g(a): return f(a)\ndef f(a): return g(a - 2)",
    ),
    "recursion in a closure": (
        "def o():\n    def f(a): return f(a - 1) if a else 0\n    return f\nf = o()",
        "def o():\n    def f(a): return f(a - 1) if a else 1\n    return f\nf = o()",
    ),
    "list that holds itself": (
        "K = [1]\nK.append(K)\ndef f(a): return K",
        "K = [2]\nK.append(K)\ndef f(a): return K",
    ),
    "tensor": (
        "import tensorflow as tf\nK = tf.constant([1.0])\ndef f(a): return a * K",
        "import tensorflow as tf\nK = tf.constant([2.0])\ndef f(a): return a * K",
    ),
    "regular expression": (
        "import re\nK = re.compile('a')\ndef f(a): return K.match(a)",
        "import re\nK = re.compile('b')\ndef f(a): return K.match(a)",
    ),
    "Keras metric": (
        "import keras\nclass f(keras.metrics.Mean):\n    def result(self): return super().result()",
        "import keras\nclass f(keras.metrics.Mean):\n"
        "    def result(self): return -super().result()",
    ),
    "Keras metric's function": (
        "import keras\ndef g(t, p): return p\nf = keras.metrics.MeanMetricWrapper(g, name='m')",
        "import keras\ndef g(t, p): return -p\nf = keras.metrics.MeanMetricWrapper(g, name='m')",
    ),
    "Keras schedule": (
        "import keras\nclass S(keras.optimizers.schedules.LearningRateSchedule):\n"
        "    def __call__(self, step): return 0.1\n    def get_config(self): return {}\n"
        "f = keras.optimizers.SGD(S())",
        "import keras\nclass S(keras.optimizers.schedules.LearningRateSchedule):\n"
        "    def __call__(self, step): return 0.2\n    def get_config(self): return {}\n"
        "f = keras.optimizers.SGD(S())",
    ),
    "network": (
        "import keras\nk = keras.layers.Dense(1, kernel_initializer='ones')\nk.build((None, 1))\n"
        "def f(a): return k(a)",
        "import keras\nk = keras.layers.Dense(1, kernel_initializer='zeros')\nk.build((None, 1))\n"
        "def f(a): return k(a)",
    ),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_changes_a_value_changes_the_hash(what) -> None:
    one, other = DIFFERENT[what]
    assert code_of(made(one)) == code_of(made(one))
    assert code_of(made(one)) != code_of(made(other))


SAME = {
    "comments, lines and docstring": (
        "def f(a, b=1):\n    return a + b",
        "\n\n# Adds.\ndef f(a, b=1):\n    '''Adds.'''\n\n    # Yes.\n    return a + b",
    ),
    "what is not used": ("K = 1\ndef f(a): return a", "K = 2\ndef f(a): return a"),
    "attributes of a global's name": (
        "k = 1\ndef f(a): return a.k",
        "k = 2\ndef f(a): return a.k",
    ),
    "annotations": ("def f(a): return a", "def f(a: int) -> int: return a"),
    "order of methods": (
        "class f:\n    def a(self): return 1\n    def b(self): return 2",
        "class f:\n    '''Two.'''\n    def b(self): return 2\n    def a(self): return 1",
    ),
    "name": ("def f(a): return a", "def g(a): return a\nf = g"),
}


@pytest.mark.parametrize("what", SAME)
def test_what_changes_no_value_changes_no_hash(what) -> None:
    one, other = SAME[what]
    assert code_of(made(one)) == code_of(made(other))
    assert "cannot be hashed" not in code_of(made(one))


def test_code_that_has_run_is_the_same_code() -> None:
    function = made("def f(n):\n    total = 0\n    for i in range(n): total += i\n    return total")
    before = code_of(function)
    for _ in range(1000):  # Python specialises its bytecode
        function(10)
    assert code_of(function) == before


MODULE = """
import dataclasses
import functools
import numpy as np

SIZES = frozenset({"large", "small", "medium", "tiny"})

class Base:
    def scale(self):
        return __class__, {"x", "y", "z"}

@dataclasses.dataclass
class Thing(Base):
    sizes: set = dataclasses.field(default_factory=lambda: {"a", "b", "c"})
    def __call__(self, a):
        return super().scale() and functools.reduce(max, [a, self.other(a)])
    def other(self, a):
        return Thing() if a in {"p", "q", "r"} else SIZES

thing = Thing()
"""


def test_the_hash_is_the_same_in_every_process(tmp_path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "users.py").write_text(MODULE)
    (tmp_path / "two" / "users.py").write_text("# Elsewhere.\n\n" + MODULE)
    command = [
        sys.executable,
        "-c",
        "import users; from glo_tf.identity.code_identity import code_of; "
        "print(code_of(users.thing))",
    ]
    hashes = set()
    for seed, folder in (("0", "one"), ("1", "two"), ("2", "one"), ("random", "two")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(tmp_path / folder)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        hashes.add(done.stdout)
    assert len(hashes) == 1
    assert "cannot" not in hashes.pop()


@pytest.mark.parametrize(
    "thing",
    [
        glo(),
        taylor(),
        GloOperators(glo()),
        GplearnOperators(glo()),
        keras.losses.mean_squared_error,
        keras.metrics.F1Score(),
        keras.optimizers.Adam(),
        functools.partial(np.clip, a_min=0),
        np.log,
        {"a": [1.0, "b"]},
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_libraries_define_needs_no_hash(thing) -> None:
    assert code_of(thing) is None


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import threading\nK = threading.Lock()\ndef f(a): return K", "an object of _thread.lock"),
        ("K = (a for a in [1])\ndef f(a): return K", "an object of builtins.generator"),
        (
            "class C:\n    def __init__(self): self.file = open('/dev/null')\nf = C()",
            "an object of _io.TextIOWrapper",
        ),
        ("K = ()\nfor _ in range(10_000): K = (K,)\ndef f(a): return K", "recursion"),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed file")
def test_what_cannot_be_hashed_is_never_the_same(source, why) -> None:
    function = made(source)
    one, other = code_of(function), code_of(function)
    assert one != other
    assert one.startswith("cannot be hashed, so it is never the same: ")
    assert why in one


def test_modules_of_the_user_count_where_they_are_used(tmp_path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    users = {
        "as attribute": "import helpers\ndef f(a): return helpers.scale(a)",
        "when it runs": "def f(a):\n    from helpers import scale\n    return scale(a)",
        "as a whole": "import helpers\ndef f(a): return getattr(helpers, 'scale')(a)",
    }
    hashes = []
    for factor in (1, 2):
        (tmp_path / "helpers.py").write_text(f"def scale(a): return a * {factor}")
        sys.modules.pop("helpers", None)
        importlib.invalidate_caches()
        hashes.append({what: code_of(made(source)) for what, source in users.items()})
    sys.modules.pop("helpers", None)
    for what in users:
        assert hashes[0][what] != hashes[1][what], what


def test_what_is_installed_in_any_folder_is_a_library_and_what_lies_beside_it_is_not(
    tmp_path, monkeypatch
) -> None:
    """As of `pip install --target`; what is installed from its checkout is a user's."""
    sources = {"carried/__init__.py": "", "carried/deep.py": "", "single.py": "", "beside.py": ""}
    for name, source in {**sources, "checkout/__init__.py": ""}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{source}\ndef scale(a): return a")
    wheel, editable = tmp_path / "wheel-2.5.dist-info", tmp_path / "checkout.egg-info"
    for folder in (wheel, editable):
        folder.mkdir()
    (wheel / "METADATA").write_text("Name: wheel\nVersion: 2.5\n")
    (wheel / "RECORD").write_text(
        "carried/__init__.py,sha256=a,1\ncarried/deep.py,sha256=b,1\nsingle.py,,\n"
        "../../bin/beside,,\nwheel-2.5.dist-info/RECORD,,\n"
    )
    (editable / "PKG-INFO").write_text("Name: checkout\nVersion: 1\n")
    (editable / "SOURCES.txt").write_text("checkout/__init__.py\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names = ("carried", "carried.deep", "single", "beside", "checkout")
    codes = [code_of(importlib.import_module(name).scale) for name in names]
    for name in names:
        del sys.modules[name]
    assert [code is None for code in codes] == [True, True, True, False, False]


def test_a_method_of_an_object_that_holds_it_ends() -> None:
    class Holder:
        def __init__(self, factor: float):
            self.factor, self.own = factor, self.run

        def run(self) -> float:
            return self.factor

    assert code_of(Holder(1.0)) == code_of(Holder(1.0))
    assert code_of(Holder(1.0)) != code_of(Holder(2.0))


data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.tuples(parts, parts)
        | st.dictionaries(st.text(max_size=3), parts, max_size=3)
        | st.frozensets(st.integers() | st.text(max_size=3), max_size=4)
    ),
    max_leaves=8,
)


def closing_over(value: object) -> object:
    def function() -> object:
        return value

    return function


@examples(300)
@given(data, data)
def test_hashes_of_data_agree_exactly_where_the_data_does(one, other) -> None:
    same = code_of(closing_over(one)) == code_of(closing_over(other))
    assert same == (_exact(one) == _exact(other))


def _exact(value: object) -> object:
    """A value with its types, which Python's equality overlooks, and the order of its items."""
    if isinstance(value, list | tuple):
        return type(value), [_exact(part) for part in value]
    if isinstance(value, dict):
        return dict, [(key, _exact(part)) for key, part in value.items()]
    if isinstance(value, frozenset):
        return frozenset, value
    return type(value), repr(value)
