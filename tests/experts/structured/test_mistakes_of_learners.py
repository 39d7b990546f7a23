"""The laws of structured learners find deliberate mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from experts import Feedback, Fixed, Weighted
from experts.structured import ExpandedHedge, Graph
from experts.testing import LawError, replay

GRAPH = Graph.subsets(4, 2)


class Boaster(ExpandedHedge):
    """A certificate that is 20 % too small."""

    def certificate(self, state: Any, action: Any) -> Any:
        return 0.8 * super().certificate(state, action)


class Independent(ExpandedHedge):
    """Draws every component for itself."""

    def draw(self, state: Any, uniforms: Any) -> Any:
        return uniforms[..., : self.structure.dimension] < self.predict(state)


class Favourite(ExpandedHedge):
    """Draws the most likely choices, whatever the uniforms."""

    def draw(self, state: Any, uniforms: Any) -> Any:
        return super().draw(state, 0.0 * uniforms)


class Even(ExpandedHedge):
    """0.6 of each of four components, of which every action has two."""

    def predict(self, state: Any) -> Any:
        return 0.0 * super().predict(state) + 0.6


class Blind(ExpandedHedge):
    """Takes what was not seen for 0 without weighing what was."""

    def update(self, state: Any, play: Any, feedback: Any) -> Any:
        if feedback.seen is not None:
            feedback = Feedback(np.where(feedback.seen, feedback.loss, 0.0))
        return super().update(state, play, feedback)


LOSS = np.random.default_rng(0).integers(0, 65, (6, 2, 24)) / 64


@pytest.mark.parametrize(
    ("kind", "law", "case"),
    [
        (Boaster, "regret_to_actions_is_certified_in_longer_games", {}),
        (Independent, "draws_are_actions_and_their_mean_is_the_predicted_one", {"seed": 0}),
        (Favourite, "draws_are_actions_and_their_mean_is_the_predicted_one", {"seed": 0}),
        (Even, "the_mean_is_one_of_a_distribution_over_actions", {"loss": LOSS}),
        (Blind, "estimates_of_a_semi_bandit_are_certified", {"loss": LOSS, "seed": 0}),
    ],
    ids=["boaster", "independent", "favourite", "even", "blind"],
)
def test_a_mistake_breaks_a_law(kind: type[ExpandedHedge], law: str, case: dict[str, Any]) -> None:
    replay(law, ExpandedHedge(GRAPH, Fixed(0.5), Weighted()), **case)
    with pytest.raises(LawError) as broken:
        replay(law, kind(GRAPH, Fixed(0.5), Weighted()), **case)
    assert broken.value.law.name == law
