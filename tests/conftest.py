"""Hypothesis profiles, and what the tests of the core share."""

from __future__ import annotations

import os

from hypothesis import settings

from tests.profile import PROFILE

collect_ignore = ["browser"]  # needs Chromium; .ci/run runs it by its name

# derandomize: a run gives the same verdict everywhere.
settings.register_profile("default", max_examples=10, deadline=None, derandomize=True)
settings.register_profile("ci", max_examples=60, deadline=None, derandomize=True)
settings.load_profile(PROFILE)

# The runner keeps every core busy with a worker. Threads that wait for each other on cores they do
# not have make PyTorch ten times slower, here and in the processes that tests start.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
