"""Parts of online_to_batch.py."""
