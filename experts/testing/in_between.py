"""Laws of `Player`: whatever comes in between, the certificate bounds the regret that was suffered.

The books here are plain sums of ``<p, l> - l_k`` with the distributions that `predict` gave.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from experts.numerics.sampling import draw as drawn
from experts.player import Player
from experts.testing.claims import at_most, equal, refused
from experts.testing.games import Game, games
from experts.testing.law import law
from experts.testing.partial import in_interval
from experts.types import Feedback

RESTORES = ("before", "between", "after", "rewind", None, None, None, None)


class Plan(NamedTuple):
    """What happens in each of T rounds."""

    game: Game
    """losses; and wipe-outs before the round"""
    during: np.ndarray
    """bool (T, B, K): wipe-outs between `predict` and `update`"""
    awake: np.ndarray
    """bool (T, B, K)"""
    uniforms: np.ndarray
    """(T, B, 1): for the draws"""
    masked: list[bool]
    bandit: list[bool]
    delay: list[int]
    restore: list[str | None]


@st.composite
def plans(draw: st.DrawFn, most_rounds: int) -> Plan:
    """Short games in which a lot happens."""
    game = draw(games(min(8, most_rounds)))
    shape = game.loss.shape
    masks = [draw(hnp.arrays(bool, shape)) for _ in range(3)]
    sixteenths = draw(hnp.arrays(np.int64, (*shape[:2], 1), elements=st.integers(0, 15)))

    def each(choice: st.SearchStrategy[Any]) -> list[Any]:
        return draw(st.lists(choice, min_size=shape[0], max_size=shape[0]))

    return Plan(
        game,
        masks[0] & masks[1],
        masks[2],
        (sixteenths + 0.5) / 16,
        masked=each(st.booleans()),
        bandit=each(st.booleans()),
        delay=each(st.sampled_from([0, 0, 0, 1, 2, 3])),
        restore=each(st.sampled_from(RESTORES)),
    )


class Round(NamedTuple):
    """A round that has been played; its loss may be on its way."""

    play: np.ndarray
    part: np.ndarray
    """who took part: alive then, and awake"""
    awake: np.ndarray | None
    loss: np.ndarray
    """nan where the expert did not take part, or was not seen"""
    seen: np.ndarray | None


class Books:
    """A player, the regret that it has suffered, and who is left, counted apart from it."""

    def __init__(self, learner: Any, loss: np.ndarray) -> None:
        self.learner, self.like = learner, loss
        self.player: Player[Any] = Player(learner, loss)
        self.regret = np.zeros_like(loss)
        self.alive = np.ones(loss.shape, dtype=bool)
        self.largest = 1.0
        self.taking: np.ndarray | None = None
        """who takes part in the round in progress; a wipe-out waits until it ends"""
        self.old: Any = (self.player.state_dict(), self.regret, self.alive)

    def wipe(self, dead: np.ndarray) -> None:
        """Remove experts, if the learner survives it; a problem keeps its last ones."""
        if "wipeout" in self.learner.supports:
            self.player.wipe(dead)
            left = self.alive & ~dead
            self.alive = np.where(left.any(-1, keepdims=True), left, self.alive)

    def restore(self) -> None:
        """Into a new player, through text."""
        text = json.dumps(self.player.state_dict(), default=lambda array: array.tolist())
        self.player = Player(self.learner, self.like)
        self.player.load_state_dict(json.loads(text))

    def rewind(self) -> None:
        """To the last time; what has been handed out since is forgotten."""
        saved, self.regret, self.alive = self.old
        self.taking = None
        self.player.load_state_dict(saved)
        rule = "after load_state_dict, an update without a predict is refused"
        with refused(rule, "update came without a predict"):
            self.player.update(self.like)

    def keep(self) -> None:
        """What `rewind` goes back to."""
        self.old = (self.player.state_dict(), self.regret, self.alive)

    def settle(self, it: Round, *, late: bool) -> None:
        """The loss of a round arrives."""
        options: dict[str, Any] = {"awake": it.awake}
        loss = it.loss
        if it.seen is not None:
            options |= {"seen": it.seen, "chance": it.play}
            told = Feedback(loss, it.seen, it.play)
            loss = np.where(it.part, self.learner.estimate(self.player.state, told), np.nan)
            self.largest = max(self.largest, float(np.max(loss, where=it.part, initial=0)))
        if late:
            options |= {"play": it.play}
            if it.seen is not None and it.awake is None and "sleeping" in self.learner.supports:
                options |= {"awake": np.ones_like(it.part)}
        self.player.update(it.loss, **options)
        self.taking = None
        suffered = np.sum(it.play * np.where(it.part, loss, 0.0), axis=-1, keepdims=True)
        self.regret = self.regret + np.where(it.part, suffered - loss, 0.0)
        self.check()

    def check(self) -> None:
        """The certificate bounds the regret that was suffered."""
        certificate, slack = self.player.certificate_of_estimates(), 1e-9 * self.largest
        at_most(
            "regret to expert k in the losses, or in their estimates where seen was given, <= "
            "certificate_of_estimates[k]",
            self.regret,
            certificate,
            where=self.alive,
            slack=slack,
        )


@law(plan=plans)
def regret_never_exceeds_the_certificate_whatever_comes_in_between(
    learner: Any, plan: Plan
) -> None:
    """Naps, wipe-outs, late and unseen losses, saved players: the certificate holds."""
    books = Books(learner, plan.game.loss[0])
    flying: list[tuple[int, Round]] = []
    for t, loss in enumerate(in_interval(learner, plan.game.loss)):
        books.wipe(plan.game.dead[t])
        if plan.restore[t] == "before":
            books.restore()
        it = play_round(books, plan, t, loss)
        if plan.restore[t] == "rewind":
            books.rewind()
            flying = []
            continue
        late = "delayed" in learner.supports and plan.delay[t] > 0
        if late:
            flying.append((t + plan.delay[t], it))
        else:
            books.settle(it, late=False)
        for due in [each for each in flying if each[0] <= t]:
            books.settle(due[1], late=True)
        flying = [each for each in flying if each[0] > t]
        if plan.restore[t] == "after":
            books.restore()
        if not flying and books.taking is None:
            books.keep()  # what happens to losses on their way at a rewind is not for the law
    for _, it in flying:
        books.settle(it, late=True)


def play_round(books: Books, plan: Plan, t: int, loss: np.ndarray) -> Round:
    """Ask for a distribution, more than once, and let things happen before its loss comes."""
    learner, player = books.learner, books.player
    masked = plan.masked[t] and "sleeping" in learner.supports
    awake = plan.awake[t] if masked else None
    books.taking = books.alive if books.taking is None else books.taking
    part = books.taking
    if awake is not None:
        player.predict(~awake)  # another mask, which the next one replaces
        part = part & awake
    play = player.predict(awake)
    equal("p[k] = 0 for who takes no part", play, 0.0, where=~part)
    equal("sum p = 1 if anyone takes part, else 0", play.sum(-1), part.any(-1), rtol=1e-9)
    writable = player.predict(awake)
    writable[...] = np.nan  # it is the caller's
    books.wipe(plan.during[t])
    if plan.restore[t] == "between":
        books.restore()
    equal("predict, once more in the same round, is the same", books.player.predict(awake), play)
    seen = None
    if plan.bandit[t] and "bandit" in learner.supports:
        seen = drawn(play, plan.uniforms[t])
    known = part if seen is None else seen
    return Round(play, part, awake, np.where(known, loss, np.nan), seen)
