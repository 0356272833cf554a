"""The trainer in JAX does what every trainer has to."""

from glo_tf.testing import TrainerTestCase


class TestJaxTrainer(TrainerTestCase):
    pass
