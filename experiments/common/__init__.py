"""Shared by the programs: the command line, files of results, confidence bands."""
