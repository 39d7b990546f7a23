"""Argument checks of `Player` and `play`: each raises a ValueError.

The error names the argument, what came and what was expected. A check of values is one `any` over
one mask; which entry is wrong is looked up only when it fails.
"""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace, is_array_api_obj

from experts.numerics.arguments import unmasked
from experts.numerics.parameters import check_floats, largest, smallest
from experts.types import Array, Learner


def check_float_array(name: str, value: Any) -> None:
    """Refuse what is no array of float32 or float64."""
    if not is_array_api_obj(value):
        raise ValueError(f"{name} must be an array, got {type(value).__name__}")
    unmasked(name, value)
    check_floats(name, value)


def check_like(like: Array) -> None:
    """Refuse `like` unless it is an array of floats with at least one expert."""
    check_float_array("like", like)
    if like.ndim == 0 or like.shape[-1] == 0:
        raise ValueError(f"like must have at least one expert, got shape {like.shape}")


def check_components(name: str, value: Array, count: int) -> None:
    """Refuse what is no array of floats with `count` components in its last axis."""
    check_float_array(name, value)
    if value.ndim == 0 or value.shape[-1] != count:
        raise ValueError(
            f"{name} must have the {count} components of the actions in its last axis, "
            f"got shape {tuple(value.shape)}"
        )


def check_learner(learner: Any, protocol: type = Learner) -> None:
    """Refuse what is no learner of the protocol, such as the function that makes one."""
    if isinstance(learner, type) or not isinstance(learner, protocol):
        name = getattr(learner, "__name__", type(learner).__name__)
        asked = sorted(member for member in vars(protocol) if not member.startswith("_"))
        lacking = ", ".join(member for member in asked if not hasattr(learner, member))
        hint = f"did you mean {name}(...)?" if callable(learner) else f"it lacks {lacking}"
        kind = "learner" if protocol is Learner else protocol.__name__
        raise ValueError(f"learner must be a {kind}, got {name}; {hint}")


def check_rounds(rounds: int, **players: Any) -> None:
    """Refuse more rounds than the horizon of any of the players, given by name."""
    for name, player in players.items():
        if player.horizon is not None and rounds > player.horizon:
            raise ValueError(
                f"rounds = {rounds} exceeds the {name}'s horizon of {player.horizon} rounds"
            )


def check_supported(learner: Learner[Any], **given: tuple[str, Array | None]) -> None:
    """Refuse arguments, given as ``name=(feature, value)``, that the learner has no use for."""
    for name, (feature, value) in given.items():
        if value is not None and feature not in learner.supports:
            raise ValueError(
                f"{name} was given, but {learner!r} does not support it: {feature} is not among "
                f"what it supports, {sorted(learner.supports)}"
            )


def check_array(name: str, value: Array, like: Array) -> None:
    """Refuse an array that differs from `like` in library, shape, device or type.

    Another float type would spread to the state.
    """
    _check_shape(name, value, like)
    if value.dtype != like.dtype:
        raise ValueError(f"{name} must be of type {like.dtype}, got {value.dtype}")


def _check_shape(name: str, value: Array, like: Array) -> None:
    if type(value) is not type(like):
        xp = array_namespace(like)
        if not is_array_api_obj(value) or array_namespace(value) is not xp:
            raise ValueError(
                f"{name} must be an array of {xp.__name__}, got {type(value).__name__}"
            )
        unmasked(name, value)
    if value.shape != like.shape:
        raise ValueError(f"{name} has shape {tuple(value.shape)}, expected {tuple(like.shape)}")
    if value.device != like.device:
        raise ValueError(f"{name} must be on {like.device}, got one on {value.device}")


def check_loss(
    loss: Array, chance: Array | None, matters: Array, loss_interval: tuple[float, float] | None
) -> None:
    """Refuse losses that are not finite or outside `loss_interval`, and chances outside (0, 1].

    Refuses also what overflows in the losses' dtype, now or in a sum over rounds: losses and
    estimates ``loss / chance`` beyond its largest number / 2**40, and subnormal chances.

    Parameters
    ----------
    loss, chance : (..., K)
    matters : bool (..., K)
        Entries that the learner uses; the others are not checked.
    loss_interval
        (low, high), with a tolerance of 4 ulps of the larger of |low| and |high| in the type of
        `loss`, for rounding; None: any finite loss.
    """
    xp = array_namespace(loss)
    most = largest(loss)
    # Comparisons are written so that nan fails them.
    low, high = (-most, most) if loss_interval is None else loss_interval
    ulps = 0 if loss_interval is None else 4 * float(xp.finfo(loss.dtype).eps)
    slack = ulps * max(abs(low), abs(high))
    fine = (loss >= max(low - slack, -most)) & (loss <= min(high + slack, most))
    if chance is not None:
        fine = fine & (chance >= smallest(loss)) & (chance <= 1 + 1e-6)  # above 1 is rounding
        fine = fine & (abs(loss) <= most * chance)
    if bool(xp.all(fine | ~matters)):
        return
    _refuse("loss", loss, matters & ~xp.isfinite(loss), "must be finite")
    _refuse("loss", loss, matters & (abs(loss) > most), f"must not exceed {most:.0e}")
    if loss_interval is not None:
        outside = matters & ((loss < low - slack) | (loss > high + slack))
        _refuse("loss", loss, outside, f"must lie in [{low}, {high}]")
    if chance is not None:
        wrong = matters & ~((chance > 0) & (chance <= 1 + 1e-6))
        _refuse("chance", chance, wrong, "must lie in (0, 1] where seen")
        wrong = matters & ~(chance >= smallest(loss))
        _refuse("chance", chance, wrong, f"must be at least {smallest(loss):.0e}")
        wrong = matters & ~(abs(loss) <= most * chance)
        _refuse("chance", chance, wrong, f"must be at least |loss| / {most:.0e}")


def check_distribution(name: str, value: Array, like: Array) -> None:
    """Refuse an array that is no distribution: floats, nonnegative, with sum 1."""
    _check_shape(name, value, like)
    _check_floating(name, value)
    _refuse(name, value, ~(value >= 0), "must be nonnegative")
    total = array_namespace(value).sum(value, axis=-1)
    _refuse(f"the sum of {name}", total, ~(abs(total - 1) < 1e-4), "must be 1")


def check_prior(prior: Array, like: Array) -> None:
    """Refuse a prior that is no distribution, or one that the dtype of `like` cannot hold.

    An expert whose prior is rounded to 0 would be removed without a word.
    """
    check_distribution("prior", prior, like)
    held = array_namespace(like).astype(prior, like.dtype)
    lost = (prior > 0) & ~(held >= smallest(like))
    rule = f"must be 0 or at least {smallest(like):.0e} in {like.dtype}"
    _refuse("prior", prior, lost, rule)


def check_late(play: Array, alive: Array, awake: Array | None, seen: Array | None) -> None:
    """Refuse a late `play` that is no distribution, except 0 in a void round.

    With `seen`, also one that is 0 on survivors if nothing is said of who was awake: without a
    mask the asleep would be credited with losses of 0.
    """
    xp = array_namespace(play)
    _refuse("play", play, ~(play >= 0), "must be nonnegative")
    total = xp.sum(play, axis=-1)
    wrong = ~(abs(total - 1) < 1e-4)
    if awake is not None:
        wrong = wrong & xp.any(awake & alive, axis=-1)
    _refuse("the sum of play", total, wrong, "must be 1")
    if seen is not None and awake is None:
        rule = "is 0 on a survivor: pass awake=, who took part in that round (all of them: ones)"
        _refuse("play", play, alive & (play == 0), rule)


def check_same_mask(
    awake: Array | None, handed: Array | None, *, optional: bool, values: bool
) -> None:
    """Refuse an `awake` that is not the one that `predict` was last given, `handed`.

    `optional`: it may be missing; `values`: it may be read.
    """
    if handed is None:
        if awake is not None:
            raise ValueError(
                "awake was given, but not to predict in this round: call predict(awake) first; "
                "the loss of an earlier round needs play=, what predict(awake) gave then"
            )
    elif awake is None:
        if not optional:
            raise ValueError("awake is missing: pass the mask that predict was given in this round")
    elif values and not bool(array_namespace(awake).all(awake == handed)):
        raise ValueError(
            "awake must be the mask that predict was last given, got another one: pass that; the "
            "loss of an earlier round needs play= as well, what predict gave then"
        )


def check_seen(seen: Array, awake: Array, alive: Array) -> None:
    """Refuse a survivor that is seen and not awake."""
    if bool(array_namespace(seen).any(seen & alive & ~awake)):
        raise ValueError("seen must be among those awake: the others had no loss in this round")


def _check_floating(name: str, value: Array) -> None:
    """Refuse integers: weights of that type round to 0 or 1 and learn nothing."""
    if not array_namespace(value).isdtype(value.dtype, "real floating"):
        raise ValueError(f"{name} must be of a floating point type, got {value.dtype}")


def _refuse(name: str, value: Array, wrong: Array, rule: str) -> None:
    """Raise if any entry is wrong, and show the first."""
    xp = array_namespace(value)
    if not bool(xp.any(wrong)):
        return
    if wrong.ndim == 0:
        raise ValueError(f"{name} {rule}, got {float(value)}")
    position = tuple(int(axis[0]) for axis in xp.nonzero(wrong))
    raise ValueError(f"{name} {rule}, got {float(value[position])} at index {position}")
