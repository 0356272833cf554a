"""The discovery phase: trees, their first generation, and how they breed."""
