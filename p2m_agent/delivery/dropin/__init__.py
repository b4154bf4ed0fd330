"""From the prompt that a caller wrote for a language model to the input that a student reads."""
