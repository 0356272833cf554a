"""Searches for losses."""
