"""Journals: logs and counters."""
