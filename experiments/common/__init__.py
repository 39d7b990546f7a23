"""What every program shares: the command line, files of results, confidence bands."""
