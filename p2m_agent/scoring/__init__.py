"""Metrics, intervals, calibration and the certificate of leaks."""
