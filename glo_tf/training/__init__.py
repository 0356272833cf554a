"""Trainings: what is asked for, what they give, and what all of a search have in common."""
