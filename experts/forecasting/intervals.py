r"""`mean_interval`: how far the mean of a series of correlated numbers can be believed.

For differences d_t of two forecasters' losses this is the test of Diebold and Mariano: the mean is
compared with its standard error sqrt(Omega / T), where Omega = sum of all autocovariances of d.

Omega is estimated by the B = floor(0.4 T**(2/3)) lowest cosine waves over the T rows,

    Omega = (1 / B) sum_{j=1..B} (sqrt(2 / T) sum_t d_t cos(pi j (t - 1/2) / T))**2,

and the quantile is Student's with B degrees of freedom: both sides of the quotient are known to be
uncertain, so that the interval holds in short and autocorrelated series too, where the one with
Newey and West's estimate and a normal quantile is too narrow.

Sources: Diebold & Mariano 1995; Lazarus, Lewis, Stock & Watson 2018, Section 1 (the estimate and
B); Coroneo & Iacone 2020 (such estimates in this test, in small samples).
"""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

from experts.types import Array

FEWEST = 10
"""Fewer rows have no interval."""


def mean_interval(total: Array, count: Array, level: float = 0.95) -> tuple[float, float, float]:
    """The mean of all numbers, and the ends of an interval for what it estimates.

    Parameters
    ----------
    total, count : (T,)
        Sums of the numbers of every point of time, in order, and how many they are. Points
        without any are left out.
    level
        Probability with which the interval holds the mean, for stationary series.

    Returns
    -------
    The mean, and the ends; nan for ends if there are fewer than `FEWEST` points of time.

    Examples
    --------
    >>> import numpy as np
    >>> numbers = np.sin(np.arange(100.0)) + 0.2
    >>> [round(float(x), 3) for x in mean_interval(numbers, np.ones(100))]
    [0.204, 0.168, 0.239]
    """
    there = count > 0
    total, count = total[there], count[there]
    rows = len(total)
    if not rows:
        return np.nan, np.nan, np.nan
    mean = float(total.sum() / count.sum())
    if rows < FEWEST:
        return mean, np.nan, np.nan
    waves = int(0.4 * rows ** (2 / 3))
    phase = np.pi * (np.arange(rows) + 0.5) / rows
    rest = total - mean * count
    power = [float(rest @ np.cos(j * phase)) ** 2 for j in range(1, waves + 1)]
    error = np.sqrt(2 * np.mean(power)) / float(count.sum())
    half = float(student.ppf((1 + level) / 2, waves) * error)
    return mean, mean - half, mean + half
