"""Parts of synthetic_bandits.py."""
