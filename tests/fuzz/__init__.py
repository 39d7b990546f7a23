"""Files that are damaged at random: what is read of them is right, or refused in one line."""
