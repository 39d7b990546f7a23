"""A study's trials as a search knows them, followed trial by trial."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from experts.optuna.dimensions import MOST_OPTIONS, Point, conditions, options
from experts.structured import Choice, Search

LARGEST = sys.float_info.max


class Memory:
    """A `Search` of one study, told what its trials found.

    All of it comes from the trials: one that is made of a storage afterwards is the same.
    """

    def __init__(self, study: str, seed: int, maximize: bool, noisy: bool) -> None:
        self.study, self.seed, self.maximize, self.noisy = study, seed, maximize, noisy
        self.search: Search | None = None
        """none as long as there is no dimension"""
        self.dimensions: dict[str, BaseDistribution] = {}
        self.others: dict[str, str] = {}
        """the parameters that are no dimension, and why"""
        self._options: dict[str, list[Any]] = {}
        self._when: dict[str, dict[str, list[Any]]] = {}
        self._trials: dict[int, FrozenTrial] = {}
        self._told: set[frozenset[tuple[str, Any]]] = set()
        self._complete: list[float] = []
        self._asked: dict[int, Point] = {}

    def catch_up(self, trials: Sequence[FrozenTrial]) -> None:
        """Take in the trials of the study that were finished since."""
        finished = {
            trial.number: trial
            for trial in trials
            if trial.state in (TrialState.COMPLETE, TrialState.PRUNED)
        }
        new = [trial for number, trial in finished.items() if number not in self._trials]
        lost = any(  # in Hyperband's brackets, or to another study of the same name
            number not in finished or finished[number].datetime_complete != known.datetime_complete
            for number, known in self._trials.items()
        )
        self._trials = finished
        if lost or not all(map(self._fits, new)):
            self._start()
            new = list(finished.values())
        for trial in new:
            self._tell(trial)

    def reseed(self, seed: int) -> None:
        """Go on with another seed."""
        self.seed = seed
        if self.search is not None:
            self.search.seed = seed

    def ask(self, number: int, trials: Sequence[FrozenTrial]) -> Point | None:
        """A point for a trial; None if the search has none left.

        Points of running trials, also of other processes, and of failed ones are not asked again.
        """
        assert self.search is not None
        running: list[Point] = []
        failed: list[Point] = []
        asked = {}
        for trial in trials:
            if trial.number != number and trial.state in (TrialState.RUNNING, TrialState.FAIL):
                known = self._asked.get(trial.number)
                points = [p for p in (self._point(trial), known) if p and self._whole(p)]
                (running if trial.state == TrialState.RUNNING else failed).extend(points[:1])
                if known and trial.state == TrialState.RUNNING:
                    asked[trial.number] = known
        self.search.expect(running, asked=number, barred=failed)
        if self.search.exhausted:
            return None
        self._asked = asked | {number: self.search.ask()}
        return self._asked[number]

    def _start(self) -> None:
        """Find the dimensions anew, and forget what was told."""
        seen: dict[str, BaseDistribution] = {}
        changed = set()
        for trial in self._trials.values():
            for name, distribution in trial.distributions.items():
                if seen.setdefault(name, distribution) != distribution:
                    changed.add(name)
        seen = {name: seen[name] for name in sorted(seen)}  # storages have orders of their own
        offered = {name: options(distribution) for name, distribution in seen.items()}
        usable = [name for name, found in offered.items() if found and name not in changed]
        self._options = {name: offered[name] for name in usable}
        whole: list[Point] = []
        partial: list[Point] = []
        for trial in self._trials.values():
            if point := self._point(trial):
                (whole if trial.state == TrialState.COMPLETE else partial).append(point)
        self._when = conditions(whole, partial)
        unexplained = {name for point in whole + partial for name in point} - self._when.keys()
        self._options = {name: offered[name] for name in usable if name in self._when}
        self.dimensions = {name: seen[name] for name in self._options}
        self.others = {
            name: "its distribution changes"
            if name in changed
            else "no conditions on other parameters explain when it is suggested"
            if name in unexplained
            else f"it does not have 2 to {MOST_OPTIONS} options that can be told apart"
            for name, distribution in seen.items()
            if name in changed | unexplained or (not offered[name] and not distribution.single())
        }
        self._told, self._complete = set(), []
        self.search = self._new_search() if self.dimensions else None

    def _new_search(self) -> Search:
        space = {
            name: Choice(
                self._options[name],
                when=self._when[name],
                ordered=not isinstance(distribution, CategoricalDistribution),
            )
            for name, distribution in self.dimensions.items()
        }
        noisy = self.noisy or bool(self.others)  # which vary where the dimensions do not
        return Search(space, seed=self.seed, maximize=self.maximize, noisy=noisy)

    def _tell(self, trial: FrozenTrial) -> None:
        """Tell the search what a trial found, if it is a point and not known."""
        point = self._point(trial)
        if self.search is None or not point:
            return
        if (
            trial.state == TrialState.PRUNED
        ):  # what it did not come to was not the reason: any will do
            for name in self._when:
                if name not in point and self._active(name, point):
                    point[name] = self._options[name][trial.number % len(self._options[name])]
        key = frozenset(point.items())
        if key in self._told and not self.search.noisy:
            return
        self._told.add(key)
        # Optuna 4 has no constraints.
        broken = any(c > 0 for c in getattr(trial, "constraints", {}).values())
        value = None if broken or trial.value is None else self._value(trial.value, trial.state)
        self.search.tell(point, value, failed=value is None)

    def _value(self, value: float, state: TrialState) -> float:
        """A trial's value, finite; if it was pruned, not better than half of the complete ones."""
        value = float(np.clip(value, -LARGEST, LARGEST))
        if state == TrialState.COMPLETE:
            self._complete.append(value)
        elif self._complete:
            worse = min if self.maximize else max
            value = worse(value, float(np.median(self._complete)))
        return value

    def _fits(self, trial: FrozenTrial) -> bool:
        """Whether a trial suggested what the dimensions and conditions say.

        One that was pruned may lack parameters that it would have suggested later. One without any
        of the dimensions says nothing of them.
        """
        known = all(
            name in self.others
            or distribution.single()
            or self.dimensions.get(name) == distribution
            for name, distribution in trial.distributions.items()
        )
        point = self._point(trial)
        if not known or not point:
            return known
        if trial.state == TrialState.PRUNED:
            return all(self._active(name, point) for name in point)
        return self._whole(point)

    def _point(self, trial: FrozenTrial) -> Point | None:
        """The options of a trial; None if a value is none, as one can be that was enqueued."""
        point: Point = {}
        for name, found in self._options.items():
            if name in trial.params:
                value = trial.params[name]
                by_kind = isinstance(trial.distributions[name], CategoricalDistribution)
                near = 0.0 if by_kind else (found[1] - found[0]) / 1000  # storages may round
                matching = [o for o in found if o == value or (near and abs(o - value) <= near)]
                if not matching:
                    return None
                point[name] = matching[0]
        return point

    def _whole(self, point: Point) -> bool:
        """Whether a point has an option for exactly what is active."""
        return point.keys() <= self._when.keys() and all(
            (name in point) == self._active(name, point) for name in self._when
        )

    def _active(self, name: str, point: Point) -> bool:
        return all(
            other in point and point[other] in found for other, found in self._when[name].items()
        )
