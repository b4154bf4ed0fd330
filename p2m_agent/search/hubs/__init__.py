"""Places that hold datasets: the Hugging Face Hub, folders, the built-in catalogue."""
