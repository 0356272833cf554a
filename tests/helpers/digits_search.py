"""A small search on digits, with real trainings."""

from small_trainings import TRAIN, VALIDATION, linear

import glo_tf


def make_search(output_dir, **changes) -> glo_tf.LossSearch:
    arguments = {
        "model": linear,
        "train_data": TRAIN,
        "validation_data": VALIDATION,
        "train_steps": 20,
        "jit_compile": False,
        "population_size": 20,
        "elites": 2,
        "generations": 2,
        "initial_expressions": ["-(log(y) - x/y)", "-(x*log(y))"],
        "coefficient_generations": 2,
        "finalists": 2,
        "comparison_seeds": 2,
        "output_dir": output_dir,
    }
    return glo_tf.LossSearch(**{**arguments, **changes})
