"""Job queues on PostgreSQL that the benches put side by side: ours, procrastinate and pgqueuer."""
