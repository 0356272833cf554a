"""A small search on digits, with real trainings."""

import keras

import glo_tf
from glo_tf import datasets


def make_search(output_dir, **changes) -> glo_tf.LossSearch:
    data = datasets.digits()

    def build_model() -> keras.Model:
        flat, dense = keras.layers.Flatten(), keras.layers.Dense(data.num_classes, "softmax")
        return keras.Sequential([keras.Input(data.input_shape), flat, dense])

    arguments = {
        "model": build_model,
        "train_data": (data.x_train, data.y_train),
        "validation_data": (data.x_validation, data.y_validation),
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
