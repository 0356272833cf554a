"""The strategy `ray` on a cluster that it starts and ends; `test_strategies` runs this file."""

from glo_tf.testing import StrategyTestCase


class Test_ray_of_its_own(StrategyTestCase):  # noqa: N801 (as the generated ones)
    """In one test twice."""

    name = "ray"
    options = {"num_workers": 2, "num_cpus": 1.0}

    # What a worker answers does not tell clusters apart.
    test_results_are_those_of_local_in_any_order = None
    test_bad_luck_is_tried_again = None
