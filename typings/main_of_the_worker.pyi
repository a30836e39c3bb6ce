# What the main module of the Worker is called while it is tested.
from editqueue.entrypoints.cloudflare import Default as Default
