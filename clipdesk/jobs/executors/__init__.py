"""Executors that have many workers: processes on this computer, and on others."""
