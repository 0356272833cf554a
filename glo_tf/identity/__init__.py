"""Hashes of what determines a result: data, models, the code of users."""
