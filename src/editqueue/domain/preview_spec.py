"""What a preview is, in numbers: an upright sRGB JPEG without metadata, the same on a server and on a Worker."""

from typing import Final

LONG_EDGE: Final = 1280
"""Pixels of its longer side at most; nothing is enlarged."""
QUALITY: Final = 82
"""Of the JPEG, 1 to 100."""
SMALLEST_EMBEDDED: Final = 640
"""Long edge in pixels of a camera's own preview that is better than none, where nothing develops its raw."""
