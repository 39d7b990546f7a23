"""Parts of nasbench201_bandit.py: the table, the searchers, their rivals, pictures."""
