"""Two small games of poker, as trees for `tree_game`: Kuhn's and Leduc Hold'em."""

from __future__ import annotations

from itertools import permutations, product

from experts.games.tree import Chance, Move, Node


def kuhn() -> Node:
    """Kuhn poker: three cards, one bet.

    Both players ante 1 and get one card of 0, 1, 2. They pass ("p") or bet 1 ("b") in turn, until
    both have passed, a bet was met, or was passed to, which loses the ante; the higher card wins.
    The value for the first player is -1/18.

    Source: Kuhn 1950.
    """
    deals = list(permutations(range(3), 2))
    return Chance([(1 / len(deals), _kuhn("", cards)) for cards in deals])


def _kuhn(history: str, cards: tuple[int, ...]) -> Node:
    player = len(history) % 2
    if history.endswith("bp"):  # the other one's bet was passed to
        return 1.0 if player == 0 else -1.0
    if history in ("pp", "bb", "pbb"):
        stake = 2.0 if history.endswith("bb") else 1.0
        return stake if cards[0] > cards[1] else -stake
    actions = {action: _kuhn(history + action, cards) for action in "pb"}
    return Move(player, f"{cards[player]}{history}", actions)


def leduc() -> Node:
    """Leduc Hold'em: two cards each of 0, 1, 2, a public card, two rounds of bets.

    Both players ante 1 and get one card. A round of bets, in which they fold ("f", if the other
    has raised), check or call ("c"), or raise ("r", twice a round at most) by 2; then the public
    card; another round, with raises of 4. A pair with the public card wins, else the higher card.
    The value for the first player is -0.0856.

    Source: Southey et al. 2005.
    """
    deals = list(product(range(3), repeat=2))
    chances = [(1 / 3) * (2 - (first == second)) / 5 for first, second in deals]
    starts = [_leduc(cards, None, "", (1, 1), 0, 0) for cards in deals]
    return Chance(list(zip(chances, starts, strict=True)))


def _leduc(
    cards: tuple[int, ...],
    public: int | None,
    history: str,
    paid: tuple[int, ...],
    raises: int,
    player: int,
) -> Node:
    """A player's turn; `paid` is what each has put in."""

    def after(action: str, stake: int, more: int) -> Node:
        now = (stake, paid[1]) if player == 0 else (paid[0], stake)
        return _leduc(cards, public, history + action, now, raises + more, 1 - player)

    level, raised = max(paid), paid[0] != paid[1]
    actions: dict[str, Node] = {}
    if raised:
        actions["f"] = float(-paid[0] if player == 0 else paid[1])
    if not raised and not history.endswith("c"):
        actions["c"] = after("c", level, 0)
    elif public is None:
        actions["c"] = _flop(cards, history + "c", level)
    else:
        actions["c"] = float(_showdown(cards, public) * level)
    if raises < 2:
        actions["r"] = after("r", level + (2 if public is None else 4), 1)
    board = "" if public is None else public
    return Move(player, f"{cards[player]}{board} {history}", actions)


def _flop(cards: tuple[int, ...], history: str, level: int) -> Node:
    left = [2 - cards.count(card) for card in range(3)]
    return Chance(
        [
            (left[card] / 4, _leduc(cards, card, f"{history}/", (level, level), 0, 0))
            for card in range(3)
            if left[card]
        ]
    )


def _showdown(cards: tuple[int, ...], public: int) -> int:
    """1 if the first player wins, -1 if the second, 0 if they share."""
    ours, theirs = ((card == public, card) for card in cards)
    return (ours > theirs) - (ours < theirs)
