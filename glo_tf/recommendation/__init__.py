"""Which known loss suits a model and its data: all tuned alike, the best compared."""
