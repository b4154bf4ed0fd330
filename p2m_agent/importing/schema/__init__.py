"""What schemas have in common: cells, annotated items, conversations, and what a reader gives."""
