"""Parts of product_games.py."""
