"""Pages to look at: one self-contained HTML file about a run."""
