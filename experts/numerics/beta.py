"""Beta samples from uniforms: the quantile function, by SciPy on the host."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace, device, is_torch_array
from scipy.special import betaincinv

from experts.types import Array


def quantile(a: Array, b: Array, uniforms: Array) -> Array:
    """Quantiles of Beta(a, b) at `uniforms`, all (...): of uniforms they are Beta samples.

    No array library has them, so the numbers go to the host, where SciPy computes in float64, and
    back: on a GPU, a wait for every call.

    Parameters
    ----------
    a, b : (...)
        > 0.
    uniforms : (...)
        In [0, 1).

    Examples
    --------
    >>> quantile(np.asarray([1.0, 2.0]), np.asarray([1.0, 1.0]), np.asarray([0.25, 0.25]))
    array([0.25, 0.5 ])
    """
    host = [x.detach().cpu() if is_torch_array(x) else x for x in (a, b, uniforms)]
    samples = betaincinv(*(np.asarray(x, dtype=np.float64) for x in host))
    return array_namespace(a).asarray(samples, dtype=a.dtype, device=device(a))
