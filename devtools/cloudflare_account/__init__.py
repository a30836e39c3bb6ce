"""A stand-in of Cloudflare's API for one account, as `make deploy-cloudflare` and wrangler use it, over real HTTP."""
