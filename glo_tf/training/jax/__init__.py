"""Trainings in JAX: many networks side by side, as lanes of one compiled program."""
