"""The commands of `editqueue`, one file a verb."""
