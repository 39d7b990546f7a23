"""What a user calls: a whole search or retraining, from the data to its files and its report."""
