"""Programs that the benches run as processes of their own: `python -m bench.workers.NAME`."""
