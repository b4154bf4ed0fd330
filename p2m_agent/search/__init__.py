"""Where datasets and base models come from, and the search over them."""
