"""What is known of a loss without training it."""
