"""Parts of online_to_batch.py: populations with a known risk."""
