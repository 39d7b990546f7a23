"""Normal samples from uniforms: the quantile function, in any array library."""

from __future__ import annotations

from array_api_compat import array_namespace

from experts.numerics.parameters import smallest
from experts.types import Array

# Numerator and denominator of each of the three rational functions, the highest power first.
_MIDDLE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
_OUTER = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
     1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055,
     4.6303378461565452959, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
     0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494,
     2.05319162663775882187, 1.0),
)  # fmt: skip
_FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
     0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358,
     5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
     0.59983220655588793769, 1.0),
)  # fmt: skip


def quantile(uniforms: Array) -> Array:
    """Quantiles of the standard normal distribution: Phi^-1(u), of the shape of `uniforms`.

    Of uniforms they are normal samples. Accurate to about 10 eps, relative. 0 counts as the
    smallest normal number of the type, so that no sample is infinite.

    Parameters
    ----------
    uniforms : (...)
        In [0, 1).

    Source: Wichura 1988, Algorithm AS 241 (PPND16).

    Examples
    --------
    >>> import numpy as np
    >>> quantile(np.asarray([0.0, 0.025, 0.5, 0.84])).round(4)
    array([-37.5194,  -1.96  ,   0.    ,   0.9945])
    """
    xp = array_namespace(uniforms)
    least = smallest(uniforms)
    uniforms = xp.where(uniforms > least, uniforms, least)
    centred = uniforms - 0.5
    central = abs(centred) <= 0.425
    middle = centred * _rational(_MIDDLE, 0.180625 - xp.where(central, centred, 0.0) ** 2)
    tail = xp.where(centred < 0, uniforms, 1.0 - uniforms)
    depth = xp.sqrt(-xp.log(tail))
    outer = xp.where(depth <= 5, _rational(_OUTER, depth - 1.6), _rational(_FAR, depth - 5.0))
    return xp.where(central, middle, xp.where(centred < 0, -outer, outer))


def _rational(coefficients: tuple[tuple[float, ...], ...], x: Array) -> Array:
    """A quotient of two polynomials."""
    above, below = (0.0 * x for _ in range(2))
    for a, b in zip(*coefficients, strict=True):
        above, below = above * x + a, below * x + b
    return above / below
