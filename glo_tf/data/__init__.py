"""Samples, targets and outputs of models: as arrays, as columns of labels and predictions."""
