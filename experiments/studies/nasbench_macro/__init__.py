"""NAS-Bench-Macro, a space without cells, and the table of all its trained networks."""
