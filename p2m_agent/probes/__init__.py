"""Races of base models and of mixtures, cheap enough to come before a training."""
