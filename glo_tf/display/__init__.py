"""What searches and comparisons show while they run."""
