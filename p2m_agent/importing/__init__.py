"""From an opened source to examples of the task."""
