"""What stops a deployment."""


class Problem(Exception):
    """One line for the person at the keyboard: what is wrong, and what to do about it."""
