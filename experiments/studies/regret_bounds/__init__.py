"""Parts of regret_bounds.py: claims, games, verdicts, pictures, a search for bad sequences."""
