"""Recipes and the trainers behind them."""
