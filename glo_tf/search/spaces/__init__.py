"""Search spaces: what losses are made of, and how they are searched."""
