"""Speed and smoothness, measured; nothing here is a test."""
