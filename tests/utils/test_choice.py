"""A user's word as a member of an enumeration."""

import enum
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import glo_tf
from glo_tf.data.outputs import Activation
from glo_tf.metrics.mode import Mode
from glo_tf.screening.screen import Screening
from glo_tf.strategies.base import FailureKind
from glo_tf.utils.choice import choice

KINDS = [
    glo_tf.Phase,
    glo_tf.Source,
    glo_tf.Stage,
    glo_tf.Status,
    Activation,
    FailureKind,
    Mode,
    Screening,
]


@pytest.mark.parametrize("member", [member for kind in KINDS for member in kind], ids=repr)
def test_members_are_their_text(member: enum.StrEnum) -> None:
    kind = type(member)
    assert choice(kind, "word", member) is member
    assert choice(kind, "word", np.str_(member.value)) is member
    assert member == member.value == f"{member}"
    assert hash(member) == hash(member.value)
    assert json.dumps({member: member}) == json.dumps({member.value: member.value})


@given(
    st.one_of(
        st.text(),
        st.sampled_from(["FULL", " full", "full\n", "ful", "auto"]),
        st.sampled_from([None, True, 0, b"full", ["full"], {"full": 1}, np.array(["full"])]),
    ).filter(
        lambda value: not isinstance(value, str) or value not in {"full", "equivalence", "none"}
    )
)
def test_other_words_are_refused_in_one_line(value: object) -> None:
    with pytest.raises(ValueError, match="Expected") as caught:
        choice(Screening, "screening", value)
    message = str(caught.value)
    expected = "Expected screening to be one of full, equivalence, none. Received: screening="
    assert message.startswith(expected)
    assert "\n" not in message


def test_a_word_may_stand_for_none() -> None:
    assert choice(Mode, "metric_mode", "auto", none="auto") is None
    assert choice(Mode, "metric_mode", "min", none="auto") is Mode.MIN
    message = "one of auto, max, min. Received: metric_mode='up'"
    with pytest.raises(ValueError, match=message):
        choice(Mode, "metric_mode", "up", none="auto")
