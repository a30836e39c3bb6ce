"""What README, docs/ and docstrings say, held against the program."""
