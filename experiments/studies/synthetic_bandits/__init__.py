"""Parts of synthetic_bandits.py: the problems, and compiled UCB1 and Thompson sampling."""
