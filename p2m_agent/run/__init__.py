"""A run on disk: its folder, its state, its result; and what a tool is."""
