"""Hedge over all paths of a graph: over k of n, orders, the choices of a cell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from array_api_compat import array_namespace, device

from experts.checks import check_components
from experts.ftrl import Anytime, Estimator, Fixed, Gap, Horizon, Rate, Weighted
from experts.ftrl.rates import Clock, check_rate
from experts.registry import register
from experts.structured.graph import Graph
from experts.structured.paths import Paths
from experts.types import Array, Feedback, StructuredLearner


class ExpandedState(NamedTuple):
    """State of `ExpandedHedge`."""

    lead: Array
    """(..., S): losses so far on the slots of `Paths`: those of a path add up to its loss less the
    best path's"""
    gap: Array
    """(..., 1): sum of the gaps so far"""
    scale: Array
    """(..., 1): 1 / eta of the last round played; 0 before the first"""
    clock: Clock
    """state of the schedule; `clock.scale` is 1 / eta of the next round"""


@dataclass(frozen=True)
class ExpandedHedge:
    r"""Expanded Hedge: exponential weights over all paths of a graph, p_t(a) ∝ exp(-<a, L>/s_t).

    Parameters
    ----------
    structure
        The `Graph`, with N paths of at most m of its d components.
    rate
        The schedule of eta = 1 / s: `Fixed`, `Horizon`, `Anytime` or `Gap`. They are tuned for
        losses of components in an interval of length `loss_range` (1) that contains 0; with
        `bandit` for semi-bandit feedback and losses in [0, 1].
    estimator
        From `Feedback` to losses of all components.

    Notes
    -----
    **Certificate.** For every sequence of losses (..., d) and every action a of the graph::

        sum_t <q_t - a, l_t>  <=  s_T ln N + sum_t gap_t
        gap_t = <q_t, l_t> - [Phi_t(L_{t-1} + l_t) - Phi_t(L_{t-1})]
        Phi_t(L) = -s_t ln[(1/N) sum over paths of exp(-<path, L> / s_t)]

    where q_t is the mean that was played. It is the certificate of `FTRL` with the `Entropy` over
    N experts, the paths, whose losses are <path, l>: same proof, the sums are computed by `Paths`.
    If q_t is what `predict` gave, gap_t <= b_t**2 / (8 s_t) with b_t the range of the paths' losses
    of the round (Hoeffding), at most m for losses in [0, 1]. So all bounds of Hedge hold with
    K = N and B = m: `bounds.hedge(graph.count, rounds, eta, graph.size)`, `bounds.hedge_tuned`,
    `bounds.hedge_anytime`, `bounds.adahedge`.

    **Semi-bandit feedback.** Only the components of the action that was drawn show their losses,
    in [0, 1]; `Weighted` divides each by its probability q_e. The certificate bounds the regret in
    these estimates l'. The expected regret to any fixed action is at most `bounds.semi_bandit`:

        ln N / eta + eta T m d / 2;  sqrt(2 m d T ln N) with Horizon(T, bandit=True)

    Proof. As l' >= 0, gap_t <= (eta/2) sum_a p(a) <a, l'>**2. A path has at most m components, so
    <a, l'>**2 <= m sum_{e in a} l'_e**2 (Cauchy-Schwarz), and sum_a p(a) <a, l'>**2 <=
    m sum_e q_e l'_e**2, whose mean over the draw is m sum_e l_e**2 <= m d. The estimates' means are
    the losses, also given the past: so the mean of the estimated regret is the mean regret, and
    for a scale that grows, s_T ln N + m d/2 sum_t 1/s_t.

    Sources: Takimoto & Warmuth 2003; Koolen, Warmuth & Kivinen 2010 (the name, and learners with
    smaller bounds where losses of components are free); György et al. 2007 and Audibert, Bubeck &
    Lugosi 2014 (semi-bandit).
    """

    structure: Graph
    rate: Rate
    estimator: Estimator

    def __post_init__(self) -> None:
        if not isinstance(self.structure, Graph):
            raise ValueError(f"structure must be a Graph, got {self.structure!r}")
        check_rate(self.rate)

    @property
    def horizon(self) -> int | None:
        """Number of rounds that the schedule is tuned for; None: any."""
        return self.rate.horizon

    @cached_property
    def _paths(self) -> Paths:
        return Paths(self.structure)

    def init(self, like: Array) -> ExpandedState:
        """State before the first round, for losses shaped, typed and placed as `like` (..., d)."""
        graph = self.structure
        check_components("like", like, graph.dimension)
        xp = array_namespace(like)
        none = xp.zeros_like(like[..., :1])
        # Of the losses of paths, in units of the range of components' losses.
        stability = graph.size * graph.dimension / 2 if self.rate.bandit else graph.size**2 / 8
        clock = self.rate.init(none + graph.log_count, none + stability)
        shape = (*like.shape[:-1], self._paths.slots)
        lead = xp.zeros(shape, dtype=like.dtype, device=device(like))
        return ExpandedState(lead, gap=none, scale=none, clock=clock)

    def predict(self, state: ExpandedState) -> Array:
        """The probability of each component, (..., d): the mean of the action to draw."""
        chances, _ = self._paths.weigh(state.lead, state.clock.scale)
        return self._paths.components(self._paths.flow(chances))

    def draw(self, state: ExpandedState, uniforms: Array) -> Array:
        """An action, bool (..., d), drawn with exactly its weight; see `StructuredLearner`."""
        chances, _ = self._paths.weigh(state.lead, state.clock.scale)
        return self._paths.components(self._paths.draw(chances, uniforms)) > 0

    def update(self, state: ExpandedState, play: Array, feedback: Feedback) -> ExpandedState:
        """The state after a round in which actions of mean `play` (..., d) were drawn."""
        xp = array_namespace(play)
        scale = state.clock.scale
        loss = self.estimate(state, feedback)
        lead, best = self._paths.relative(state.lead + self._paths.spread(loss))
        _, log_totals = self._paths.weigh(xp.stack([state.lead, lead]), scale)
        suffered = xp.sum(play * loss, axis=-1, keepdims=True)
        total = state.gap + suffered - best + scale * (log_totals[1, ...] - log_totals[0, ...])
        return ExpandedState(lead, total, scale, self.rate.update(state.clock, total))

    def estimate(self, state: ExpandedState, feedback: Feedback) -> Array:
        """Estimated losses of a round, (..., d); `certificate` bounds the regret in these."""
        return self.estimator.estimate(feedback, state.clock.scale)

    def certificate(self, state: ExpandedState, action: Array) -> Array:
        """``s_T ln N + sum of gaps``, (...): the same for every action, bool (..., d)."""
        return (state.scale * self.structure.log_count + state.gap)[..., 0]


@register(
    {"structure": Graph.subsets(4, 2), "rate": Fixed(0.5)},
    {"structure": Graph.chain([Graph.subsets(2, 2, 2), Graph.subsets(3, 2, 2)]), "rate": Gap()},
    protocol=StructuredLearner,
)
def expanded_hedge(structure: Graph, rate: Rate | None = None) -> ExpandedHedge:
    """Expanded Hedge: exponential weights over all paths of a graph, by dynamic programming.

    Parameters
    ----------
    structure
        A `Graph`: the paths of one of your own, `Graph.subsets`, `Graph.permutations`,
        `Graph.chain`.
    rate
        Schedule of eta: `Fixed`, `Horizon`, `Anytime`, or `Gap` (the default: AdaHedge).

    Notes
    -----
    Regret <= m sqrt(T ln N) + m (4/3 ln N + 2) with `Gap`, <= m sqrt(T ln N / 2) with `Horizon(T)`,
    for N paths of at most m components with losses in [0, 1].

    With all losses shown. A priori: `bounds.adahedge(structure.count, rounds, structure.size)` and
    so on, see `ExpandedHedge`.

    Source: Takimoto & Warmuth 2003; the constants are Hedge's (Cesa-Bianchi & Lugosi 2006, Theorem
    2.2) and AdaHedge's (de Rooij et al. 2014, Theorem 6).

    Examples
    --------
    >>> import numpy as np
    >>> graph = Graph.subsets(4, 2)  # 2 of 4
    >>> learner = expanded_hedge(graph)
    >>> state = learner.init(np.zeros(4))
    >>> p = learner.predict(state)
    >>> p
    array([0.5, 0.5, 0.5, 0.5])
    >>> state = learner.update(state, p, Feedback(np.asarray([0.0, 0.0, 1.0, 1.0])))
    >>> learner.draw(state, np.full(graph.uniforms, 0.5))
    array([ True,  True, False, False])
    """
    return ExpandedHedge(structure, Gap() if rate is None else rate, Weighted())


@register({"structure": Graph.permutations(3), "horizon": 50}, protocol=StructuredLearner)
def semi_bandit_hedge(structure: Graph, *, horizon: int | None = None) -> ExpandedHedge:
    """Semi-bandit Hedge: expanded Hedge that sees the losses of the components it drew.

    Parameters
    ----------
    structure
        A `Graph`, as in `expanded_hedge`.
    horizon
        Number of rounds T; None: any number, with a rate that falls.

    Notes
    -----
    Expected regret <= 2 sqrt(m d T ln N), and <= sqrt(2 m d T ln N) with `horizon`, for N paths of
    at most m of the d components with losses in [0, 1].

    `bounds.semi_bandit_anytime` and `bounds.semi_bandit`; proof in `ExpandedHedge`. Pass
    ``Feedback(loss, seen=action, chance=predict(state))``.

    Source: Audibert, Bubeck & Lugosi 2014 (Exp2 with semi-bandit feedback); György et al. 2007.
    """
    rate = Anytime(bandit=True) if horizon is None else Horizon(horizon, bandit=True)
    return ExpandedHedge(structure, rate, Weighted())
