"""Shared by the programs: the command line, files of results, confidence bands."""

import signal
import sys
from pathlib import Path

if Path(sys.argv[0]).absolute().parent == Path(__file__).absolute().parents[1]:
    # While a program loads its modules, Ctrl-C ends it at once: some of them go astray when they
    # are interrupted. Then `run_command` takes over.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
