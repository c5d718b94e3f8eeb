"""Measurements of speed, smoothness and quality, and the judges; none of them is a test."""
