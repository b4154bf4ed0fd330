"""Stand-ins for what is slow, paid, or somebody's."""
