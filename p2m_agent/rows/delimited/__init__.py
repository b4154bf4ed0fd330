"""Text with a sign between the cells: its dialect, its header, its records."""
