"""Sampled signals from and to files and pipes."""
