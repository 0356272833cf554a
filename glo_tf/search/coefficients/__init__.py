"""The coefficient phase: CMA-ES over the parameters of an expression."""
