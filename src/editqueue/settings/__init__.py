"""Settings from the environment: read and checked here and nowhere else, and nothing is made of them."""

from editqueue.settings.loading import load_settings
from editqueue.settings.model import Settings

__all__ = ["Settings", "load_settings"]
