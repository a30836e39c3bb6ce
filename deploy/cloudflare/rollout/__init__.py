"""`make deploy-cloudflare`: from an empty Cloudflare account to a working queue, and on from there.

`command.py` is the command line, `parts/` what an account is made of, one part a file, `trial.py` the photo at the end.
"""
