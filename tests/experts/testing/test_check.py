"""`check_learner`: what it says of a wrong learner is true, small, and can be pasted."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from unittest import SkipTest

import numpy as np
import pytest

import experts
from experts import Feedback, bounds
from experts.testing import LawError, Report, check_learner, laws, replay

HEDGE = experts.hedge(0.5)
ONCE = "regret_never_exceeds_the_certificate-oblivious"
"""A law that begins one game for a case."""


@dataclass(frozen=True)
class Wrapped:
    """Hedge, for learners that get one thing wrong."""

    eta: float = 0.5
    horizon: int | None = None
    loss_interval: ClassVar[tuple[float, float] | None] = None
    supports: ClassVar[frozenset[str]] = frozenset({"wipeout"})

    def init(self, like: Any, *, prior: Any = None) -> Any:
        return experts.hedge(self.eta).init(like, prior=prior)

    def predict(self, state: Any) -> Any:
        return experts.hedge(self.eta).predict(state)

    def update(self, state: Any, play: Any, feedback: Feedback) -> Any:
        return experts.hedge(self.eta).update(state, play, feedback)

    def certificate(self, state: Any) -> Any:
        return experts.hedge(self.eta).certificate(state)


class Boaster(Wrapped):
    """Half of the certificate."""

    def certificate(self, state: Any) -> Any:
        return super().certificate(state) / 2


class Plain(Boaster):
    """Without a repr that could be evaluated."""

    __repr__ = object.__repr__


class Crash(Wrapped):
    """Raises an error of its own when a loss is 1."""

    def update(self, state: Any, play: Any, feedback: Feedback) -> Any:
        if (feedback.loss == 1).any():
            raise RuntimeError("a loss of 1")
        return super().update(state, play, feedback)


class Counting(Wrapped):
    """Keeps its rounds outside the state."""

    rounds = 0

    def update(self, state: Any, play: Any, feedback: Feedback) -> Any:
        type(self).rounds += 1
        loss = feedback.loss * self.rounds
        return super().update(state, play, feedback._replace(loss=loss))


class Uncleared(Wrapped):
    """Begins with what `like` holds, which may be memory that nobody has written to."""

    def init(self, like: Any, *, prior: Any = None) -> Any:
        return super().init(like, prior=prior)._replace(loss=0.0 * like)


class Once(Wrapped):
    """Errs in its first round only, of whichever game."""

    erred = False

    def predict(self, state: Any) -> Any:
        if not self.erred:
            type(self).erred = True
            return 2.0 * super().predict(state)
        return super().predict(state)


class Shapeless(Wrapped):
    """A state without a mask."""

    def init(self, like: Any, *, prior: Any = None) -> Any:
        return {"loss": like}


class Narrow(Wrapped):
    """Bandit feedback, for losses in [0, 1/2]."""

    loss_interval = (0.0, 0.5)
    supports = frozenset({"bandit", "wipeout"})

    def estimate(self, state: Any, feedback: Feedback) -> Any:
        return experts.hedge(self.eta).estimate(state, feedback)


class Nan(Wrapped):
    """A certificate that is no number."""

    def certificate(self, state: Any) -> Any:
        return np.nan * super().certificate(state)


def broken(learner: Any, **how: Any) -> LawError:
    with pytest.raises(LawError) as caught:
        check_learner(learner, **how)
    return caught.value


def test_a_report_says_what_held_and_what_was_not_tried() -> None:
    report = check_learner(experts.boa(), examples=1)
    names = [law.name for law in laws()]
    assert sorted([*report.held, *report.not_run]) == sorted(names)
    assert report.not_run["late_losses_of_sleeping_experts"] == (
        "the learner does not support 'delayed'"
    )
    assert report.not_run["regret_never_exceeds_the_bound-oblivious"] == "no bound= was given"
    assert f"{len(report.held)} laws hold, {len(report.not_run)} were not tried" in str(report)
    assert "\n  late_losses_of_sleeping_experts: the learner does not" in str(report)


def test_a_library_that_is_missing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torch" else real(name)
    )
    left_out = ["numpy_equals_other_libraries-torch", "an_unchecked_player_reads_no_values"]
    report = check_learner(HEDGE, only=[*left_out, "no_eager_read"])
    assert report == Report(("no_eager_read",), dict.fromkeys(left_out, "torch is not installed"))
    (law,) = (law for law in laws() if law.name == left_out[0])
    with pytest.raises(SkipTest, match="torch is not installed"):
        law(HEDGE)


def test_without_hypothesis_the_error_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import experts\n"
        "try:\n    import experts.testing\n"
        "except ImportError as error:\n    print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "hypothesis, which is not installed: pip install 'experts-xnas[testing]'" in run.stdout


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (experts.hedge, r"learner must be a learner, got hedge; did you mean hedge\(\.\.\.\)\?"),
        (3, "learner must be a learner, got int; it lacks certificate, horizon, init"),
    ],
)
def test_what_is_no_learner_is_refused(learner: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_learner(learner)


def test_an_unknown_law_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no law 'simplex'; laws: the_state_is"):
        check_learner(HEDGE, only=["simplex"])


def test_a_wrong_certificate_is_found_with_the_smallest_losses() -> None:
    """One round, one problem, two experts: the least that has a regret above half of ln 2 / eta."""
    error = broken(Boaster(8.0))
    assert error.law.name == "regret_never_exceeds_the_certificate-oblivious"
    assert error.formula == "regret to expert k <= certificate[k]"
    assert float(str(error.left)) > float(str(error.right))
    for number in (error.left, error.right):
        assert str(number) in str(error)
    loss = np.asarray(ast.literal_eval(re.findall(r"loss=np\.array\((.*)\)", error.script)[0]))
    assert loss.shape == (1, 1, 2)


def run_script(script: str, folder: Path) -> str:
    """What a fresh Python, which finds this file, says on its standard error."""
    (folder / "broken.py").write_text(script)
    run = subprocess.run(
        [sys.executable, "broken.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    return run.stderr


@pytest.mark.parametrize("kind", [Boaster, Plain, Crash, Shapeless])
def test_the_script_runs_and_breaks_the_law(kind: Any, tmp_path: Path) -> None:
    error = broken(kind(8.0))
    assert f"experts.testing.law.LawError: {error}" in run_script(error.script, tmp_path)


def test_a_class_that_cannot_be_imported_is_pasted_above_the_script() -> None:
    class Local(Boaster):
        pass

    error = broken(Local(8.0))
    assert "# Local cannot be imported: paste this below its definition\n" in error.script
    with pytest.raises(LawError) as again:
        exec(error.script, {"Local": Local})
    assert str(again.value) == str(error)


def test_a_learner_without_readable_settings_is_left_to_the_reader() -> None:
    class Opaque(Plain):
        def __init__(self) -> None:
            vars(self)["eta"] = np.float64(8)
            vars(self)["why"] = object()

    assert "\nlearner = ...  # made as the one" in broken(Opaque()).script


def test_an_error_of_the_learner_is_told_and_kept_as_the_cause() -> None:
    error = broken(Crash())
    assert (error.formula, error.left) == (
        "the learner raises no error",
        "RuntimeError: a loss of 1",
    )
    assert isinstance(error.__cause__, RuntimeError)


@pytest.mark.parametrize(
    ("kind", "law", "formula"),
    [
        (Shapeless, "the_state_is_in_the_open", "the state is a NamedTuple with a field alive"),
        (Uncleared, "methods_are_pure", "init(like) does not depend on the values of like: loss"),
        (Counting, "methods_are_pure", "update(state), once more: loss is the same"),
        (Nan, "regret_never_exceeds_the_certificate-oblivious", "regret to expert k <= cert"),
    ],
)
def test_the_first_law_that_breaks_names_the_mistake(kind: Any, law: str, formula: str) -> None:
    error = broken(kind())
    assert error.law.name == law
    assert error.formula.startswith(formula)


def test_a_learner_that_errs_once_is_called_so() -> None:
    error = broken(Once(), only=["plays_are_on_the_simplex_and_the_dead_stay_at_exactly_zero"])
    assert error.formula == "the same rounds, played again, end in the same way"


def test_horizons_and_intervals_are_respected() -> None:
    assert check_learner(Wrapped(horizon=3), examples=10).held
    narrow = check_learner(Narrow(), examples=10)
    assert {law.name for law in laws() if law.features == {"bandit"}} <= set(narrow.held)


def test_a_bound_is_held_against_long_games() -> None:
    """A rate of 8 has a bound of its own, and not that of a rate that falls."""
    law, learner = "regret_never_exceeds_the_bound-on_one_favourite", experts.hedge(8.0)
    assert check_learner(learner, bound=lambda k, t: bounds.hedge(k, t, 8.0), only=[law]).held
    error = broken(learner, bound=bounds.hedge_anytime, only=[law])
    assert error.formula == "regret after T rounds <= bound(K, T)"
    assert "from experts.analysis.bounds.full_information import hedge_anytime\n" in error.script
    alike = broken(learner, bound=lambda k, t: 0.0, only=[law])
    assert "    bound=...,  # as you have given it\n" in alike.script
    with pytest.raises(LawError, match=re.escape(str(error))):
        exec(error.script, {})


def test_as_many_cases_are_drawn_as_asked_the_same_in_every_call() -> None:
    seen: list[Any] = []

    class Watched(Wrapped):
        def init(self, like: Any, *, prior: Any = None) -> Any:
            seen.append(like.tolist())
            return super().init(like, prior=prior)

    (law,) = (law for law in laws() if law.name == ONCE)
    law(Watched(), examples=17)
    assert len(seen) == 17
    first, seen[:] = list(seen), []
    law(Watched(), examples=17)
    assert seen == first


def test_laws_are_readable_parameters_of_pytest() -> None:
    names = [law.name for law in laws()]
    assert len(set(names)) == len(names) > 40
    assert all(re.fullmatch(r"[\w.+-]+", name) for name in names)
    assert [law.__name__ for law in laws()] == names
    assert all(law.says.endswith(".") for law in laws())


def test_replay_of_a_case_that_holds_says_nothing() -> None:
    replay("the_state_is_in_the_open", HEDGE)
