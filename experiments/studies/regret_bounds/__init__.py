"""Parts of regret_bounds.py: claims, matches, verdicts, pictures, a search for bad sequences."""
