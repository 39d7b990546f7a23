"""Parts of wipeout_study.py."""
