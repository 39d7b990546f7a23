"""Parts of the programs, one folder for each program that has parts."""
