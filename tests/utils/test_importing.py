"""Imports during which nobody looks for garbage."""

import contextlib
import gc

from glo_tf.utils.importing import quick_imports


def test_garbage_is_looked_for_again_afterwards() -> None:
    assert gc.isenabled()
    with contextlib.suppress(ZeroDivisionError), quick_imports():
        assert not gc.isenabled()
        raise ZeroDivisionError
    assert gc.isenabled()


def test_who_has_switched_it_off_finds_it_so() -> None:
    gc.disable()
    try:
        with quick_imports():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_was_imported_is_looked_through_no_more() -> None:
    before = gc.get_freeze_count()
    imported = [[] for _ in range(1000)]
    with quick_imports(freezes=True):
        pass
    assert gc.get_freeze_count() > before + len(imported) - 100
