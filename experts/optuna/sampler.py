"""`ExpertsSampler`: our search for Optuna's studies."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from experts.numerics.arguments import flag, whole
from experts.optuna.memory import Memory

LOGGER = optuna.logging.get_logger("optuna.experts")


class ExpertsSampler(BaseSampler):
    """Samples categorical parameters, integers and floats with a step jointly, by `Search`.

    Which parameters there are is learnt from complete and pruned trials: until there is one, trials
    are random. A parameter takes part if it has 2 to 64 options and they stay the same. If it is
    suggested in some trials only, the conditions on other parameters that explain in which are
    inferred (`layers` is 2 or more, say). Every other one is left to the independent sampler.

    - No point is sampled twice, unless the objective is `noisy`, there are other parameters, or
      some are fixed from outside (`enqueue_trial`, `PartialFixedSampler`). When all were tried, the
      independent sampler takes over.
    - Running trials are outstanding, also those of other threads and processes.
    - A pruned trial counts with its last intermediate value, but as no better than the median of
      the trials that were complete before; without any value, or if a constraint is
      violated (`trial.set_constraint`), a trial is among the worst.
    - A failed trial says nothing, as for Optuna's own samplers, and its point is not sampled again.
    - A trial is a function of the seed, its number and the finished and running trials. So a study
      that is stopped and resumed with the same seed goes on as if it had not been.

    Parameters
    ----------
    seed
        Of every random choice; None: a random one.
    independent_sampler
        For the first trial and the other parameters; None: `RandomSampler`, in every trial with a
        seed of its own.
    noisy
        Whether the objective's value varies at the same point, which may then be sampled again.
    warn_independent_sampling
        Whether a warning is logged when a parameter that is not new is sampled independently.

    Raises
    ------
    ValueError
        In a study of several objectives; if `seed` is no whole number of at least 0.

    Examples
    --------
    >>> import optuna
    >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
    >>> study = optuna.create_study(sampler=ExpertsSampler(seed=0))
    >>> def loss(trial):
    ...     layers = trial.suggest_int("layers", 1, 4)
    ...     dropout = trial.suggest_float("dropout", 0, 0.5, step=0.1) if layers > 1 else 0.0
    ...     return (layers - 3) ** 2 + abs(dropout - 0.2)
    >>> study.optimize(loss, n_trials=19)  # all that there are
    >>> study.best_params
    {'layers': 3, 'dropout': 0.2}
    """

    def __init__(
        self,
        *,
        seed: int | None = None,
        independent_sampler: BaseSampler | None = None,
        noisy: bool = False,
        warn_independent_sampling: bool = True,
    ) -> None:
        self._seed = _random_seed() if seed is None else whole("seed", seed, 0)
        self._independent_sampler = independent_sampler
        self._noisy = flag("noisy", noisy)
        self._warn_independent_sampling = warn_independent_sampling
        self._memory: Memory | None = None
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_memory": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state | {"_lock": threading.RLock()}

    def reseed_rng(self) -> None:
        """Go on with a random seed; Optuna does this in each of several jobs."""
        with self._lock:
            self._seed = _random_seed()
            if self._memory is not None:
                self._memory.reseed(self._seed)
            if self._independent_sampler is not None:
                self._independent_sampler.reseed_rng()

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """The parameters that are sampled jointly."""
        self._raise_error_if_multi_objective(study)
        with self._lock:
            return dict(self._caught_up(study, study.get_trials(deepcopy=False)).dimensions)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Values for those of `search_space`; where conditions are known, for the active ones."""
        self._raise_error_if_multi_objective(study)
        with self._lock:
            trials = study.get_trials(deepcopy=False)
            memory = self._caught_up(study, trials)
            if not search_space or memory.search is None:
                return {}
            point = memory.ask(trial.number, trials)
        if point is None:
            LOGGER.warning(
                f"Trial#{trial.number} repeats a point at random: all were tried. If the objective "
                f"is noisy, use ExpertsSampler(noisy=True)."
            )
            return {}
        return {
            name: value
            for name, value in point.items()
            if search_space.get(name) == memory.dimensions[name]
        }

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """A value of one other parameter, from the independent sampler."""
        self._raise_error_if_multi_objective(study)
        # Random numbers of the trial's own: a resumed study does not repeat those of its start.
        own_seed = np.random.SeedSequence([self._seed, trial.number, *param_name.encode()])
        sampler = self._independent_sampler or RandomSampler(int(own_seed.generate_state(1)[0]))
        memory = self._memory  # another thread may put that of another study there
        ours = memory is not None and memory.study == study.study_name
        reason = memory.others.get(param_name) if memory and ours else None
        if reason and self._warn_independent_sampling:
            LOGGER.warning(
                f"The parameter `{param_name}` in Trial#{trial.number} is sampled independently "
                f"by `{sampler}`: {reason}. ExpertsSampler(warn_independent_sampling=False) does "
                f"not warn."
            )
        return sampler.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Let the independent sampler prepare."""
        if self._independent_sampler is not None:
            self._independent_sampler.before_trial(study, trial)

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        """Let the independent sampler take notice."""
        if self._independent_sampler is not None:
            self._independent_sampler.after_trial(study, trial, state, values)

    def _caught_up(self, study: Study, trials: Sequence[FrozenTrial]) -> Memory:
        """The memory of a study, with what its trials found."""
        if self._memory is None or self._memory.study != study.study_name:
            maximize = study.direction == StudyDirection.MAXIMIZE
            self._memory = Memory(study.study_name, self._seed, maximize, self._noisy)
        self._memory.catch_up(trials)
        return self._memory


def _random_seed() -> int:
    return int(np.random.default_rng().integers(2**63))
