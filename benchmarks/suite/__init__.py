"""Searches for losses, and known losses, on tasks where cross-entropy may be the wrong one.

    python -m benchmarks.suite --tasks='noise*' --output=docs/results/suite

runs tasks that are not done yet, each a JSON file, and makes the page from all files.
"""
