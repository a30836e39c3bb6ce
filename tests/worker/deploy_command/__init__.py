"""`make deploy-cloudflare`, against a stand-in of Cloudflare's API."""
