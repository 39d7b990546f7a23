"""`Trace`: the record of a game at a thousand rounds or so, whatever the game's length."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experts.numerics.files import replace
from experts.simulation import plots
from experts.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Record of a game at R of its rounds, for S seeds; ``...`` is the environment's own batch.

    Losses are in the units of the environment, whatever was mapped for the learner; where it gives
    rewards r, a loss is -r.

    Under bandit feedback the player's loss is that of the expert drawn, and there is no
    certificate: it would bound the regret in estimated losses, which is not the regret here.
    """

    learner: str
    environment: str
    feedback: str
    engine: str
    seeds: Array = field(repr=False)
    """int (S,)"""
    rounds: Array = field(repr=False)
    """int (R,): how many rounds had been played"""
    loss: Array = field(repr=False)
    """(R, S, ...): the player's cumulative loss"""
    best_loss: Array = field(repr=False)
    """(R, S, ...): cumulative loss of the expert that is best so far"""
    regret: Array = field(repr=False)
    """(R, S, ...): the first less the second, of losses less each round's smallest: exact also
    where all losses share a level of which the rounding is larger than the regret"""
    best: Array = field(repr=False)
    """int (R, S, ...): which expert that is; ties: the first"""
    switches: Array = field(repr=False)
    """int (R, S, ...): how often another expert has become the best so far"""
    total: Array = field(repr=False)
    """(S, ..., K): every expert's cumulative loss at the end"""
    certificate: Array | None = field(repr=False)
    """(R, S, ...): the learner's own bound on the regret to `best`; None under bandit feedback"""
    weight_rounds: Array = field(repr=False)
    """int (W,): the rounds of `weights`, some of `rounds`"""
    weights: Array = field(repr=False)
    """(W, S, ..., K): what was predicted in those rounds"""
    log_wealth: Array | None = field(default=None, repr=False)
    """(R, S, ...): sum of ln <p_t, x_t> for price relatives x_t, whose losses are -ln x_t; under
    bandit feedback, of ln x_t of the drawn. None unless `play` was asked for it. The best expert's
    is -best_loss; as ln is concave, -best_loss - log_wealth <= regret."""
    optimal_loss: Array | None = field(default=None, repr=False)
    """(R, S, ...): cumulative loss of the expert whose expected losses add up to the least so far;
    None unless the environment knows them"""
    sequence_loss: Array | None = field(default=None, repr=False)
    """(R, S, ...): cumulative loss of whoever had the smallest expected loss, in every round anew;
    None unless the environment knows them"""
    tracking_regret: Array | None = field(default=None, repr=False)
    """(R, S, ..., 1 + switches): regret to the best sequence of experts in hindsight with at most
    0, 1, ... switches of expert; None unless `play` was given `switches`"""

    @property
    def pseudo_regret(self) -> Array | None:
        """(R, S, ...): `loss` less `optimal_loss`; None if the environment does not know that.

        Of losses that happened: its mean over games is the mean of what is called the
        pseudo-regret, the sum of the expected losses' differences.
        """
        return None if self.optimal_loss is None else self.loss - self.optimal_loss

    @property
    def sequence_regret(self) -> Array | None:
        """(R, S, ...): `loss` less `sequence_loss`; None if the environment does not know that.

        Its mean over games is the dynamic regret; with contexts, the regret to the best arm of
        every context.
        """
        return None if self.sequence_loss is None else self.loss - self.sequence_loss

    def save(self, path: str | Path) -> None:
        """Write an .npz file, atomically, to exactly `path` (`numpy.savez` may add a suffix)."""
        arrays = {f.name: getattr(self, f.name) for f in fields(self)}
        known = {name: array for name, array in arrays.items() if array is not None}

        def write(fresh: Path) -> None:
            with fresh.open("wb") as file:
                np.savez_compressed(file, saved=np.asarray(list(known)), **known)

        replace(Path(path), write)

    @classmethod
    def load(cls, path: str | Path) -> Trace:
        """Read what `save` wrote.

        Raises
        ------
        OSError
            If it cannot be opened.
        ValueError
            If it is not a saved trace, or is damaged.
        """
        with Path(path).open("rb") as opened:
            try:
                found: dict[str, Any] = dict(np.load(opened, allow_pickle=False))
            except Exception as error:  # a damaged file makes zipfile raise almost anything
                raise ValueError(f"path is not a saved Trace: {path}: {error}") from error
        names = {f.name for f in fields(cls)}
        optional = {f.name for f in fields(cls) if f.default is None} | {"certificate"}
        saved = found.pop("saved", None)  # older files do not say
        lost = set() if saved is None else set(saved.ravel().tolist()) ^ found.keys()
        if lost or names - found.keys() - optional or found.keys() - names:
            raise ValueError(f"path is not a saved Trace: {path} holds {', '.join(found)}")
        texts = {k: str(v) for k, v in found.items() if v.dtype.kind == "U"}
        return cls(**({"certificate": None} | found | texts))

    def to_pandas(self) -> Any:
        """A long DataFrame: one row for each recorded round, seed and problem.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415  (optional, and slow to import)
        except ImportError as missing:
            raise ImportError(
                "Trace.to_pandas needs pandas: pip install pandas (save() needs nothing)"
            ) from missing
        inner = [f"problem_{i}" for i in range(self.loss.ndim - 2)]
        axes = [self.rounds, self.seeds, *(np.arange(n) for n in self.loss.shape[2:])]
        index = pd.MultiIndex.from_product(axes, names=["round", "seed", *inner])
        columns = {"loss": self.loss, "regret": self.regret, "certificate": self.certificate}
        columns |= {"pseudo_regret": self.pseudo_regret, "sequence_regret": self.sequence_regret}
        columns |= {"log_wealth": self.log_wealth}
        columns |= {"best": self.best, "switches": self.switches}
        flat = {k: np.ravel(v) for k, v in columns.items() if v is not None}
        return pd.DataFrame(flat, index=index).reset_index()

    def plot(self, bound: Any = None) -> Figure:
        """Figure with regret against the bound and weights over time; needs matplotlib.

        Regret is drawn to all with whom the player can be compared: the best expert so far, what
        the environment knows, the best sequence in hindsight.

        Parameters
        ----------
        bound
            An a-priori bound on the regret to draw as well: a function of the number of rounds,
            for example ``lambda t: bounds.hedge_tuned(10, t)``. In the trace's units: times
            high - low for a loss_interval that was mapped to [0, 1].
        """
        return plots.regret_and_weights(
            f"{self.learner}\n{self.feedback} feedback",
            self.rounds,
            self._curves(),
            bound,
            self.weight_rounds,
            self.weights,
        )

    def _curves(self) -> dict[str, Array]:
        """What `plot` draws of the regret: labels and arrays (R, S, ...)."""
        known: dict[str, Array | None] = {
            "regret to the best expert so far": self.regret,
            "certificate of the learner": self.certificate,
            "to the expert of smallest mean": self.pseudo_regret,
            "to the smallest mean of every round": self.sequence_regret,
        }
        if np.array_equal(self.pseudo_regret, self.sequence_regret):  # type: ignore[arg-type]
            known.pop("to the smallest mean of every round")
        if self.tracking_regret is not None:
            most = self.tracking_regret.shape[-1] - 1
            known[f"to the best sequence with {most} switches"] = self.tracking_regret[..., -1]
        return {label: array for label, array in known.items() if array is not None}
