"""What needs nothing of this package: files, seeds, statistics, the look of figures."""
