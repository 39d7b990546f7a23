"""The profile that the tests run in: "default", or "ci", which looks further and takes longer."""

from __future__ import annotations

import os

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
IN_CI = PROFILE == "ci"
