"""NAS-Bench-201's table, and parts of nasbench201_bandit.py: reference searches and pictures."""
