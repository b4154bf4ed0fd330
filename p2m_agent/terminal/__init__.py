"""What a person sees and types; the only user of rich."""
