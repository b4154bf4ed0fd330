"""Base weights: where they are, how they load, embeddings, device and memory."""
