"""Parts of product_games.py: games over all architectures or edge by edge, and pictures."""
