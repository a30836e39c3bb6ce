"""Job queues: how a consumer learns that there is work."""
