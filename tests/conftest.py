"""How Hypothesis draws: the same examples each time, wherever and however the tests are run.

`--hypothesis-profile=explore` (`make explore`) draws others, and ten times as many. No profile has
a limit of time: how long an example takes is a matter of the machine.
"""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.register_profile(
    "explore", settings.get_profile("repeatable"), derandomize=False, max_examples=1000
)
settings.load_profile("repeatable")
