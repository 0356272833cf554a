"""The trainer in TensorFlow: whole trainings in compiled functions."""
