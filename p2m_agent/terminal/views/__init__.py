"""How things look: values in, something to print out. Nothing here prints."""
