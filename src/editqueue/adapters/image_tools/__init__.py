"""Image tools: previews of whatever customers upload."""
