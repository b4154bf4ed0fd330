"""Examples on disk: reading, splitting, sealing, de-duplicating."""
