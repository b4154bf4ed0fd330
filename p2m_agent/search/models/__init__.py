"""Base models: which there are, which fit, in which order."""
