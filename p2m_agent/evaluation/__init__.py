"""Metrics, intervals, baselines and reports."""
