"""Measured side by side: every figure is a ratio within one run."""
