"""Models by the activation that decides their output, wherever in the model it stands."""

import keras

layers = keras.layers


def sequential(*parts) -> keras.Model:
    return keras.Sequential([keras.Input((4,)), *parts])


def functional(outputs) -> keras.Model:
    inputs = keras.Input((4,))
    return keras.Model(inputs, outputs(inputs))


def dense(units: int, activation=None, **arguments) -> layers.Dense:
    return layers.Dense(units, activation, **arguments)


class Subclassed(keras.Model):
    """A dense layer, and a function after it."""

    def __init__(self, units: int, activation=None, after=None, **arguments):
        super().__init__()
        self.dense = dense(units, activation, **arguments)
        self.after = after or (lambda tensor: tensor)

    def call(self, inputs):
        return self.after(self.dense(inputs))


def softmax_in_parts(logits):
    exponentials = keras.ops.exp(logits)
    return exponentials / keras.ops.sum(exponentials, axis=-1, keepdims=True)


def sigmoid_in_parts(logits):
    return 1.0 / (1.0 + keras.ops.exp(-logits))


ENDS = {
    "softmax": [
        lambda: sequential(dense(3, "softmax")),
        lambda: sequential(dense(3), layers.Activation("softmax")),
        lambda: sequential(dense(3), layers.Softmax()),
        lambda: sequential(dense(3, "softmax"), layers.Dropout(0.5)),
        lambda: sequential(dense(3, "softmax"), layers.Reshape((1, 3)), layers.Reshape((3,))),
        lambda: sequential(dense(3, "softmax"), layers.Identity(), layers.Activation("linear")),
        lambda: sequential(dense(3, "softmax", dtype="mixed_bfloat16")),
        lambda: sequential(dense(3, "softmax", dtype="float16")),
        lambda: sequential(
            dense(3, dtype="mixed_float16"), layers.Activation("softmax", dtype="float32")
        ),
        lambda: sequential(dense(4), sequential(dense(4), sequential(dense(3, "softmax")))),
        lambda: functional(lambda x: keras.ops.softmax(dense(3)(x))),
        lambda: functional(lambda x: keras.ops.cast(keras.ops.softmax(dense(3)(x)), "bfloat16")),
        lambda: Subclassed(3, "softmax"),
    ],
    "sigmoid": [
        lambda: sequential(dense(1, "sigmoid")),
        lambda: sequential(dense(3, keras.activations.sigmoid)),
        lambda: sequential(dense(4, "sigmoid"), layers.Reshape((2, 2)), layers.Flatten()),
        lambda: functional(lambda x: keras.ops.sigmoid(dense(2)(x))),
        lambda: Subclassed(1, "sigmoid"),
    ],
    "linear": [
        lambda: sequential(dense(3)),
        lambda: sequential(dense(1)),
        lambda: sequential(dense(3, "softmax"), dense(3)),
        lambda: sequential(dense(3, use_bias=False)),
        lambda: sequential(dense(3, dtype="mixed_bfloat16")),
        lambda: sequential(dense(3), layers.BatchNormalization()),
        lambda: sequential(dense(3), layers.Rescaling(0.5)),
        lambda: sequential(
            layers.Reshape((2, 2, 1)), layers.Conv2D(3, 1), layers.GlobalAveragePooling2D()
        ),
        lambda: functional(lambda x: layers.Add()([dense(3)(x), dense(3, "sigmoid")(x)])),
        lambda: functional(lambda x: layers.Concatenate()([dense(1)(x), dense(2)(x)])),
        lambda: Subclassed(1),
        *(
            lambda activation=activation: sequential(dense(3, activation))
            for activation in ("relu", "tanh", "softplus", "exponential", "elu", "log_softmax")
        ),
    ],
    None: [
        lambda: sequential(dense(4), layers.Reshape((2, 2)), layers.Softmax(), layers.Flatten()),
        lambda: functional(
            lambda x: layers.Average()([dense(3, "softmax")(x), dense(3, "softmax")(x)])
        ),
        lambda: Subclassed(1, after=sigmoid_in_parts),
        lambda: sequential(dense(3, "hard_sigmoid")),
    ],
}
