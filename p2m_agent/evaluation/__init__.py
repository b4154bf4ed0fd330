"""Judging students and studying their errors."""
