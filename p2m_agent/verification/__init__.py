"""Whether a row is good enough to be learned from."""
