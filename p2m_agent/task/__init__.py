"""From words to a task specification."""
