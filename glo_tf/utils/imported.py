"""Things of libraries that are not imported to tell them from others."""

from __future__ import annotations

import operator
import sys


def is_of(library: str, thing: object, *names: str) -> bool:
    """Whether it is an instance of a library's class, as it can be once that is imported.

    Args:
        library: Such as `"tensorflow"`.
        thing: Anything.
        *names: Of the classes, such as `"data.Dataset"`.
    """
    module = sys.modules.get(library)
    if module is None:
        return False
    return isinstance(thing, tuple(operator.attrgetter(name)(module) for name in names))
