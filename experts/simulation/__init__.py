"""Whole games: environments, engines that play them fast, traces and their pictures.

One round at a time is `experts.Player`.
"""
