"""The index of dataset cards, and the order in which it answers."""
