"""Bandits that see a context: advice of experts, features of arms; values from a log."""
