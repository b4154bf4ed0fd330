"""Students that write text."""
