"""Speed and smoothness, measured, and the judges; nothing here is a test."""
