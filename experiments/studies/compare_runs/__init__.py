"""Parts of compare_runs.py: finished runs read back, and the page on them."""
