"""How many examples Hypothesis draws for a test."""

from hypothesis import settings


def examples(number: int) -> settings:
    """A decorator: draws so many, and in proportion more where the profile asks for more.

    Args:
        number: With the profile of `make test`, where tests without this decorator draw 100.
    """
    return settings(max_examples=number * settings.default.max_examples // 100)
