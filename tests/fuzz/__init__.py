"""Hostile files by the thousand against a real consumer: `make fuzz`, and a handful in `make test`."""
