"""Rows on disk: reading, splitting, holding out, de-duplicating, describing."""
