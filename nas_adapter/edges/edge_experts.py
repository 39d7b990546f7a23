"""`EdgeExperts`: XNAS's part of a search, for any network, data, optimiser and training loop."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from experts import Learner
from experts.checks import check_prior
from nas_adapter.edges.handed import Handed
from nas_adapter.edges.layout import Layout, Table
from nas_adapter.edges.problems import uniform
from nas_adapter.edges.rounds import Rounds
from nas_adapter.edges.settings import Settings, user_errors
from nas_adapter.errors import UserError


class EdgeExperts:
    """The edges of a supernet: every edge an expert problem, its operations the experts.

    In every round take `distribution`, train the network's weights with it as you like, and give
    `update` its gradient on validation data. That plays exponentiated gradient with wipe-outs.
    With rewards r = -d loss / d p, clipped to [-L, L], and what is played called p, *for every
    sequence of rewards*, summed over the edges e::

        sum_t <r_t, e_k - p_t>  <=  certificate()  <=  bound()  =  sum_e L sqrt(2 T ln K_e)

    for the best survivors k: `regret` is the left side. A survivor is best of all the edge's
    operations unless `wipeout_rule` speaks of weights.

    Parameters
    ----------
    choices
        What each edge offers: a mask, bool (E, K); how many operations each edge has, E whole
        numbers; a search space; or ``{"normal": ..., "reduction": ...}``, several groups of edges
        in one object. Every table (E, K) is then a dictionary of tables, and an edge is named by
        its group and its index.
    steps
        How many times `update` will be called, warm-up included.
    reward_bound
        L > 0: rewards are clipped to [-L, L]. "auto": the 0.99 quantile of their sizes in the
        warm-up. None: nothing is clipped; the learner is AdaHedge and nothing is wiped out.
    loss_interval : (low, high)
        Instead of `reward_bound`: architectures are sampled, and `update` gets their losses, in
        this interval (they are clipped to it). The learner is Tsallis-INF; `regret` and
        `certificate` are in estimated losses, and nothing is wiped out.
    learner
        Any other learner of `experts`, tuned for T = `steps` - `warmup` rounds of losses with
        range 2L, or, sampled, in [0, 1].
    prior : (E, K)
        First distributions instead of the uniform ones; 0 removes an operation from the start.
        Against operation k the bound charges ln(1 / prior_k) / eta instead of ln K / eta. (Against
        a mixture u it would be KL(u, prior) / eta, but not when operations are wiped out.)
    warmup
        Rounds at the start in which the distributions stay uniform and nothing is learned.
    explore
        Share gamma of the uniform distribution over the survivors that is mixed into what is
        played, for weights that are trained by sampled architectures; the bound grows by
        2 L gamma T (AdaHedge's by 4 B gamma T) an edge. Only with rewards.
    wipeout
        Whether to remove what cannot win any more.
    tell_every
        n: wipe-outs happen, and mistakes in rewards are reported, in every n-th round and the
        last. On a GPU it is the only synchronisation with the host of `distribution` and
        `update`, but for one at the end of an "auto" warm-up.
    process_group
        Over which processes of `torch.distributed`, if that is initialised, rewards (or losses)
        are averaged before they are clipped, so that all of them hold the same distributions:
        "world", a process group, or None, this process alone.
    device
        Default: that of the mask, or the CPU.

    Raises
    ------
    UserError
        Here and in all methods, for mistakes.

    Source: Nayman et al. 2019, Algorithm 1; the bounds: Cesa-Bianchi & Lugosi 2006, Theorem 2.2.
    """

    def __init__(
        self,
        choices: Any,
        *,
        steps: int,
        reward_bound: float | Literal["auto"] | None = None,
        loss_interval: tuple[float, float] | None = None,
        learner: Learner[Any] | None = None,
        prior: Any = None,
        warmup: int = 0,
        explore: float = 0.0,
        wipeout: bool = True,
        tell_every: int = 1,
        process_group: Any = "world",
        device: torch.device | str | None = None,
    ) -> None:
        settings = Settings(
            steps, reward_bound, loss_interval, learner, warmup, explore, wipeout, tell_every
        )
        self._layout = Layout.of(choices, device)
        first = None if prior is None else self._checked(prior)
        self._rounds = Rounds(settings, self._layout.mask, first, process_group)
        self._ranks = process_group
        self._next()

    @property
    def step(self) -> int:
        """How often `update` was called."""
        return self._rounds.step

    @property
    def warming(self) -> bool:
        """Whether the next round belongs to the warm-up; `update()` needs no p then, but for
        "auto".
        """
        return self._rounds.warming

    @property
    def reward_bound(self) -> float | None:
        """L; None: there is none, or the warm-up has not found it yet."""
        return self._rounds.rewards.bound

    @property
    def eta(self) -> Tensor | None:
        """The learning rate of every edge, (E,); None: it is not fixed."""
        scale = self._rounds.problems.scale
        return None if scale is None else 1 / scale[:, 0]

    @property
    def wipeout_rule(self) -> str | None:
        """What is true of the removed; None: nothing is removed.

        By cumulative rewards: they cannot end as the best. By weights (a prior, and a fixed eta):
        they cannot end as the most probable, and `bound` holds for them as well.
        """
        return self._rounds.rule()

    @property
    def wiped(self) -> list[tuple[Any, ...]]:
        """All that was removed: (edge, operation, step); with groups (group, edge, ...)."""
        return [(*self._layout.place(row), *rest) for row, *rest in self._rounds.wiped]

    @property
    def alive(self) -> Table:
        """The operations that take part, bool (E, K)."""
        return self._layout.split(self._rounds.problems.alive)

    def distribution(
        self, *, requires_grad: bool = False, dtype: torch.dtype | None = None
    ) -> Table:
        """What to use in this round, (E, K): rows on the simplex, exactly 0 where removed.

        Parameters
        ----------
        requires_grad
            A leaf for `update`. Asked again in the same round, it is the same tensor: gradients
            of several validation batches add up. Not for the weights' own step, whose gradient
            would be added too. ``loss.backward(inputs=[p])`` spares the gradients of the weights.
        dtype
            Default: torch's own, float32.
        """
        chosen = dtype or torch.get_default_dtype()
        return self._handed.distribution(chosen, requires_grad=requires_grad)

    def sample(self, generator: torch.Generator | None = None) -> Any:
        """An architecture drawn from the distribution, as `architecture` gives it.

        All processes draw what the first one draws. Reads the result from the device.
        """
        return self._handed.sample(generator, self._ranks)

    def update(
        self,
        seen: Any = None,
        /,
        *,
        sampled: Any = None,
        scale: Tensor | float | None = None,
        batches: int = 1,
    ) -> list[tuple[Any, ...]]:
        """End the round, and learn from it.

        Parameters
        ----------
        seen
            The p that ``distribution(requires_grad=True)`` gave in this round, with the gradient
            of a validation loss in it; or, with `sampled`, a loss: a number or a tensor.
        sampled
            The architecture that `sample` gave, whose loss it is.
        scale
            What the loss was multiplied by: ``scaler.get_scale()`` of a GradScaler. If gradients
            are infinite or nan then, the round counts with rewards of 0, as a skipped step.
        batches
            Number of validation batches whose gradients were added up; the rewards are their mean.

        Returns
        -------
        What was removed now, pairs (edge, operation); with groups (group, edge, operation). The
        network may drop these; that their probability is 0 is enough.
        """
        rounds, settings, handed = self._rounds, self._rounds.settings, self._handed
        if rounds.step == settings.steps:
            raise UserError(f"all {rounds.step} steps were played: steps was too small")
        if settings.loss_interval is not None:
            drawn = handed.drawn(sampled)
            if seen is None:
                raise UserError("update needs the loss of the sampled architecture")
            rounds.learn_sampled(handed.play, drawn, seen)
        elif sampled is not None:
            raise UserError("to learn from sampled architectures, construct with loss_interval")
        elif seen is not None or not rounds.warming or rounds.rewards.auto:
            divisor = batches if scale is None else scale * batches
            rounds.learn(handed.play, handed.gradient(seen), divisor, scale is not None)
        removed = rounds.end()
        self._next()
        return [(*self._layout.place(row), operation) for row, operation in removed]

    def probabilities(self, *, removed: bool = False) -> Table:
        """The learner's distributions, float64 (E, K), without exploration.

        `removed`: as if nothing had been removed, where eta is fixed; a removed operation counts
        with its rewards until then. An edge with one survivor has probability 1 on it; this tells
        such edges apart, for a node that keeps its strongest two.
        """
        return self._layout.split(
            self._rounds.problems.whole() if removed else self._rounds.problems.predict()
        )

    def losses(self) -> Table:
        """Cumulative losses (minus rewards) above the edge's best survivor, float64 (E, K).

        Those of removed operations are as they were when they went; inf where nothing is offered.
        """
        return self._layout.split(self._rounds.problems.losses())

    def architecture(self) -> Any:
        """The most probable operation of every edge, a tuple (E,); with groups a dictionary."""
        return self._layout.architecture(self._rounds.problems.predict().argmax(-1).tolist())

    def regret(self) -> float:
        """Regret so far to the best survivor of every edge, summed over the edges."""
        return self._rounds.problems.regret() * self._rounds.rewards.unit

    def certificate(self) -> float:
        """Upper bound on `regret()` that was computed on the way; it holds for every learner."""
        return self._rounds.problems.certificate() * self._rounds.rewards.unit

    def bound(self, *, with_wipeouts: bool = False) -> float | None:
        """A-priori upper bound on `regret()` after the rounds so far; see `EdgeProblems.bound`.

        Of Tsallis-INF on the *expected* regret. None: no theorem for this learner is known here.

        `with_wipeouts`: tightened by what wipe-outs took from the weights, where eta is fixed.
        """
        problems, unit = self._rounds.problems, self._rounds.rewards.unit
        bound = problems.bound()
        if bound is None:
            return None
        return (bound + (problems.saved() if with_wipeouts else 0.0)) * unit

    def clipped_share(self) -> float:
        """Share of the rewards other than 0, or of the sampled losses, that were clipped."""
        return float(self._rounds.rewards.clipped / self._rounds.rewards.given.clamp(min=1))

    def skipped(self) -> int:
        """Rounds whose gradients were infinite or nan."""
        return int(self._rounds.rewards.skipped)

    def state_dict(self) -> dict[str, Any]:
        """All that a checkpoint needs, between two rounds: tensors and plain values."""
        return self._rounds.state_dict()

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue from `state_dict()`; `wiped` says what a network may drop."""
        self._rounds.load_state_dict(saved)
        self._next()

    def _next(self) -> None:
        """Begin a round."""
        self._handed = Handed(self._layout, self._rounds.play())

    def _checked(self, prior: Any) -> Tensor:
        table = self._layout.join("prior", prior)
        with user_errors():
            check_prior(table, uniform(self._layout.mask))
        if (table[~self._layout.mask] != 0).any():
            raise UserError("prior must be 0 where an edge does not offer an operation")
        return table.double()
