"""Stochastic bandits with finite-time bounds: UCB1, KL-UCB, MOSS, Thompson sampling."""
