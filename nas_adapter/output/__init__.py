"""Output of a finished run: report, drawings, exported networks."""
