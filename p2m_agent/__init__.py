"""From a prompt to a small fine-tuned model that its author owns, with an honest score."""

__version__ = "0.1.0"
