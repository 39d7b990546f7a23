"""Options of the main job, run_xnas.py."""
