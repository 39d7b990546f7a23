"""A-priori bounds of learners over structured actions, for N actions of at most m of d components.

Under full information the bounds of Hedge and AdaHedge hold with ``k = graph.count`` and
``loss_range = graph.size``, for losses of components in [0, 1].
"""

from __future__ import annotations

import math

from experts.analysis.domains import checked


@checked
def semi_bandit_fixed(k: int, components: int, size: int, rounds: int, eta: float) -> float:
    """Expected regret of semi-bandit Hedge with a fixed eta: ln N / eta + eta T m d / 2.

    `k` is N, the number of actions, `components` d, `size` m, the most components of an action.
    Losses of components in [0, 1]. Proof in `experts.structured.expanded.ExpandedHedge`.

    Source: Audibert, Bubeck & Lugosi 2014.
    """
    return math.log(k) / eta + eta * rounds * size * components / 2


@checked
def semi_bandit(k: int, components: int, size: int, rounds: int) -> float:
    """Expected regret of semi-bandit Hedge tuned to T rounds: sqrt(2 m d T ln N).

    `semi_bandit_fixed` with eta = sqrt(2 ln N / (m d T)).

    Source: Audibert, Bubeck & Lugosi 2014.
    """
    return math.sqrt(2 * size * components * rounds * math.log(k))


@checked
def semi_bandit_anytime(k: int, components: int, size: int, rounds: int) -> float:
    """Expected regret of semi-bandit Hedge for any T: 2 sqrt(m d T ln N).

    With eta_t = sqrt(ln N / (m d t)).

    Source: Audibert, Bubeck & Lugosi 2014, with a rate that falls.
    """
    return 2 * math.sqrt(size * components * rounds * math.log(k))


@checked
def component_hedge(components: int, size: int, rounds: int) -> float:
    """Component Hedge for k of n tuned to T rounds, losses in [0, 1]: k sqrt(T ln(n/k) / 2).

    `components` is n, `size` k. Proof in `experts.structured.component.ComponentHedge`.

    Source: Koolen, Warmuth & Kivinen 2010, with Hoeffding's constant.
    """
    return size * math.sqrt(rounds * _log_ratio(components, size) / 2)


@checked
def component_adahedge(components: int, size: int, rounds: int) -> float:
    """Component Hedge for k of n with `Gap`, losses in [0, 1]: k sqrt(T ln(n/k)) + 2 min(k, n-k).

    Source: derived in `experts.structured.component.ComponentHedge`.
    """
    root = size * math.sqrt(rounds * _log_ratio(components, size))
    return root + 2 * min(size, components - size)


@checked
def component_semi_bandit(components: int, size: int, rounds: int) -> float:
    """Expected regret of component Hedge for k of n, semi-bandit: sqrt(2 n k T ln(n/k)).

    Tuned to T rounds, losses in [0, 1].

    Source: Audibert, Bubeck & Lugosi 2014.
    """
    return math.sqrt(2 * components * size * rounds * _log_ratio(components, size))


def _log_ratio(components: int, size: int) -> float:
    """ln(n/k)."""
    if size > components:
        raise ValueError(f"size must be at most components = {components}, got {size!r}")
    return math.log(components / size)
