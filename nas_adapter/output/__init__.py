"""What a finished run shows: report, drawings, exported networks."""
