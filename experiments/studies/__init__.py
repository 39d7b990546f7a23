"""Parts of the programs, a folder for each study; what several programs share is in common/."""
