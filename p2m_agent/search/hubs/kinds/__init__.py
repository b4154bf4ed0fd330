"""What `--hub` can name, one file a kind; each holds a `HUB`."""
