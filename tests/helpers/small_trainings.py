"""Small models and trainers of them."""

import keras
import tensorflow as tf

from glo_tf import datasets
from glo_tf.expressions.tree import Expression
from glo_tf.training.task import TrainingTask
from glo_tf.training.tensorflow.trainer import CandidateTrainer

CROSS_ENTROPY = Expression.parse("-(x*log(y))")


DIGITS = datasets.digits()


TRAIN = (DIGITS.x_train, DIGITS.y_train)


VALIDATION = (DIGITS.x_validation, DIGITS.y_validation)


def dropout_and_batch_norm() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(DIGITS.input_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def linear() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input(DIGITS.input_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


class Subclassed(keras.Model):
    def __init__(self) -> None:
        super().__init__()
        self.flatten = keras.layers.Flatten()
        self.out = keras.layers.Dense(10, activation="softmax", kernel_regularizer="l2")

    def call(self, samples: tf.Tensor) -> tf.Tensor:
        return self.out(self.flatten(samples))


def make_trainer(model=linear, optimizer="sgd", train_steps=30, **kwargs) -> CandidateTrainer:
    kwargs.setdefault("batch_size", 50)
    return TrainingTask.define(
        model, optimizer, TRAIN, VALIDATION, train_steps=train_steps, **kwargs
    ).make_trainer()
