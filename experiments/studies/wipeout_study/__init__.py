"""Parts of wipeout_study.py: the games, and Hedge with wipe-outs on a batch of them."""
