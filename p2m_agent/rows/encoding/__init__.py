"""Which code page the bytes of a text are in."""
