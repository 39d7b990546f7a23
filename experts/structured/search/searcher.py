"""`Search`: ask for points of a space, tell what they are worth."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from statistics import NormalDist
from typing import Any, overload

import numpy as np

from experts.numerics.arguments import flag, whole
from experts.numerics.parameters import real
from experts.structured.product import ProductDistribution
from experts.structured.search.effects import Effects, effects
from experts.structured.search.settings import DEFAULT, Settings
from experts.structured.search.space import Choice, Point, Space, from_json, to_json
from experts.structured.search.start import latin
from experts.structured.search.surrogate import Surrogate
from experts.types import Array


class _ExhaustedError(ValueError):
    """No point is left."""


class Search:
    """Ask for points of a space, tell what they are worth.

    Every ask:

    1. The values so far become losses: normal scores of their ranks. `Surrogate` is fitted to them.
    2. One function f is drawn from its posterior.
    3. `Game`: Hedge plays on f on every dimension, from the prior.
    4. A point is drawn from the last round's product distribution. If it is known, one from the
       round before, and so on down to the prior; if all those are, any other.

    In the first asks a Latin hypercube, stretched by the priors, takes the place of 1 to 3.

    Parameters
    ----------
    space
        By name, a dimension's options or a `Choice`.
    seed
        Of every random choice.
    maximize
        Whether large values are good.
    noisy
        Whether a point may be asked again, because its value varies; else none ever is.
    settings
        How it plays.

    Notes
    -----
    `Game` has a guarantee on the drawn function; the search as a whole has no regret bound.

    Source: posterior sampling, Thompson 1933, Agrawal & Goyal 2013, here on ranks and for the
    plays of `Game` instead of the function's minimum.

    Examples
    --------
    >>> search = Search({"layers": [1, 2, 3], "act": ["relu", "tanh"]}, seed=0)
    >>> while not search.exhausted:
    ...     point = search.ask()
    ...     search.tell(point, point["layers"] - (point["act"] == "tanh"))
    >>> search.best
    ({'layers': 3, 'act': 'relu'}, 3.0)
    """

    def __init__(
        self,
        space: Mapping[str, Choice | Sequence[Any]],
        *,
        seed: int = 0,
        maximize: bool = True,
        noisy: bool = False,
        settings: Settings = DEFAULT,
    ) -> None:
        self.space = Space(space)
        self.seed = whole("seed", seed, 0)
        self.maximize, self.noisy = flag("maximize", maximize), flag("noisy", noisy)
        if not isinstance(settings, Settings):
            raise ValueError(f"settings must be Settings, got {settings!r}")
        self.settings = settings
        self._model = Surrogate(self.space, settings.scales)
        self._asked = self._estimated = 0
        self._codes: list[Array] = []
        self._values: list[float] = []  # nan: failed
        self._told: dict[bytes, int] = {}
        self._outstanding: dict[bytes, Array] = {}
        self._barred: dict[bytes, Array] = {}

    @overload
    def ask(self) -> Point: ...
    @overload
    def ask(self, count: int) -> list[Point]: ...

    def ask(self, count: int | None = None) -> Point | list[Point]:
        """The next point to try, or a list of `count` of them.

        Raises
        ------
        ValueError
            If not so many points are left that were neither asked for nor told; then none is
            asked for.
        """
        if count is None:
            return self._next()
        count, asked, outstanding = whole("count", count, 0), self._asked, dict(self._outstanding)
        try:
            return [self._next() for _ in range(count)]
        except _ExhaustedError:
            left = self._asked - asked
            self._asked, self._outstanding = asked, outstanding
            raise ValueError(
                f"count must be at most {left}, got {count}: the space is exhausted then"
            ) from None

    def tell(
        self, point: Mapping[str, Any], value: float | None = None, *, failed: bool = False
    ) -> None:
        """Enter the value of a point, asked for or not; or that it failed.

        Raises
        ------
        ValueError
            If the point is not of the space, the value is not finite, or the point has another
            value already and the search is not `noisy`.
        """
        code = self.space.encode(point)
        if flag("failed", failed) == (value is not None):
            raise ValueError(f"tell either a value or failed=True, got {value!r} and {failed}")
        number = math.nan if failed else real(value)
        if number is None or not (failed or math.isfinite(number)):
            raise ValueError(
                f"value must be a finite number, got {value!r}: for a failure tell failed=True"
            )
        key = code.tobytes()
        if key in self._told and not self.noisy:
            before = self._values[self._told[key]]
            if before == number or (failed and math.isnan(before)):
                return
            raise ValueError(
                f"value of {dict(point)} was told as {'failed' if math.isnan(before) else before}, "
                f"got {'failed' if failed else number}: a Search(noisy=True) takes both"
            )
        self._outstanding.pop(key, None)
        self._told.setdefault(key, len(self._codes))
        self._codes.append(code)
        self._values.append(number)

    def expect(
        self,
        points: Iterable[Mapping[str, Any]],
        *,
        asked: int,
        barred: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        """Replace what is known of the asks: for several processes that share their points.

        Parameters
        ----------
        points
            Those outstanding, instead of those that were.
        asked
            Number of asks so far: the random numbers of the next one depend on it.
        barred
            Further points that are not to be asked for, instead of those that were.
        """
        self._outstanding = {code.tobytes(): code for code in map(self.space.encode, points)}
        self._barred = {code.tobytes(): code for code in map(self.space.encode, barred)}
        self._asked = whole("asked", asked, 0)

    @property
    def best(self) -> tuple[Point, float]:
        """The point with the best value told, the first of equals, and that value."""
        values = np.asarray(self._values)
        if not np.isfinite(values).any():
            raise ValueError("best needs a value: none was told")
        at = int(np.nanargmax(values if self.maximize else -values))
        return self.space.decode(self._codes[at]), float(values[at])

    @property
    def exhausted(self) -> bool:
        """Whether all points of positive prior were asked for or told; never if `noisy`."""
        return not self.noisy and self._unknown(np.random.default_rng(0)) is None

    def effects(self) -> Effects:
        """What single options and pairs of options are worth, see `Effects`."""
        return effects(self._fitted(), self._losses())

    def predict(self, points: Sequence[Mapping[str, Any]]) -> Array:
        """What the model expects of points, (n,): normal scores of the values; more is better."""
        model = self._fitted()
        codes = self._table([self.space.encode(point) for point in points])
        x = model.features[np.arange(len(self.space.names))[:, None], codes.T]
        return -model.draw(self._losses(), np.zeros(sum(model.normals))).values(x)

    def state_dict(self) -> dict[str, Any]:
        """All that a search is, as copies: arrays by name under "state", and plain values.

        ValueError if an option is no number, string, None or tuple of such.

        To save it, and to get it back::

            json.dumps(saved, default=lambda array: array.tolist()), json.loads(text)
        """
        failed = np.isnan(self._values)
        arrays = {
            "codes": self._table(self._codes),
            "values": np.where(failed, 0.0, self._values),
            "failed": failed,
            "outstanding": self._table(list(self._outstanding.values())),
            "barred": self._table(list(self._barred.values())),
        }
        plain = {name: getattr(self, name) for name in ("seed", "maximize", "noisy")}
        texts = {"space": to_json(self.space), "settings": json.dumps(asdict(self.settings))}
        return plain | texts | {"asked": self._asked, "state": arrays}

    @classmethod
    def from_state_dict(cls, saved: Mapping[str, Any]) -> Search:
        """The search that `state_dict` was taken of; options come back as JSON has them.

        ValueError if something is missing, or is not what `state_dict` gives.
        """
        try:
            return cls._restored(saved)
        except (AttributeError, IndexError, KeyError, TypeError) as error:
            raise ValueError(f"saved is not what state_dict() gave: {error!r}") from error

    @classmethod
    def _restored(cls, saved: Mapping[str, Any]) -> Search:
        space = from_json(str(saved["space"]))
        search = cls(
            space,
            seed=saved["seed"],
            maximize=saved["maximize"],
            noisy=saved["noisy"],
            settings=Settings.load(str(saved["settings"])),
        )
        arrays = {name: np.asarray(value) for name, value in saved["state"].items()}
        search._asked = whole("asked", saved["asked"], 0)
        if len({len(arrays[name]) for name in ("codes", "values", "failed")}) > 1:
            raise ValueError("codes, values and failed must be of one length")
        codes = arrays["codes"].astype(np.int64).reshape(-1, len(space))
        search._codes = [search.space.encode(search.space.decode(code)) for code in codes]
        search._values = np.where(arrays["failed"], math.nan, arrays["values"]).tolist()
        for index, code in enumerate(search._codes):
            search._told.setdefault(code.tobytes(), index)
        for name, kept in (("outstanding", search._outstanding), ("barred", search._barred)):
            for code in arrays[name].astype(np.int64).reshape(-1, len(space)):
                kept[code.tobytes()] = code
        return search

    def _next(self) -> Point:
        generator = np.random.default_rng([self.seed, self._asked])
        uniforms = generator.random((self.settings.game.rounds + 1, len(self.space.names)))
        rows = min(int(self.space.sizes.max()), self.settings.start)
        if not self._codes or len(self._codes) + len(self._outstanding) < rows:
            plays = np.repeat(self.space.prior[None], len(uniforms), axis=0)
            block, row = divmod(self._asked, rows)
            strata = latin(self.space, rows, np.random.default_rng([self.seed, block, 1]))
            uniforms[-1] = (strata[row] + uniforms[-1]) / rows
        else:
            plays = self._plays(generator)
        code = self._pick(plays, uniforms, generator)
        self._asked += 1
        self._outstanding[code.tobytes()] = code
        return self.space.decode(code)

    def _plays(self, generator: np.random.Generator) -> Array:
        """Distributions (rounds + 1, E, K) of the game on a function drawn from the posterior."""
        model, settings = self._fitted(), self.settings
        known = model.count / max(int(np.sum(self.space.sizes - 1)), 1)
        wide = known >= 2 or (known >= 1 and self._asked % 2 == 0)
        spread = settings.late if known >= 4 else settings.wide if wide else settings.narrow
        spread += (1 - spread) * min(len(self._outstanding) / settings.crowd, 1)
        normal = spread * generator.standard_normal(sum(model.normals))
        function = model.draw(self._losses(), normal)
        return settings.game.plays(function, model.features, self.space)

    def _fitted(self) -> Surrogate:
        """The model, given all that was told; if `noisy`, the noise is estimated again each time
        that their number has doubled, from at most 256.
        """
        self._model.add(self._table(self._codes[self._model.count :]))
        first = 2 ** min(self._model.count.bit_length() - 1, 8) if self._model.count > 7 else 0
        if self.noisy and first != self._estimated:
            self._model.find_noise(self._losses(first))
            self._estimated = first
        return self._model

    def _losses(self, count: int | None = None) -> Array:
        """Normal scores of the ranks, (T,), or of the first `count`: on average 0, the best lowest.

        Equal values share their rank; failures are the worst, all together.
        """
        values = np.asarray(self._values[:count])
        order = -values if self.maximize else values  # nan sorts last
        _, place, ties = np.unique(order, return_inverse=True, return_counts=True)
        shares = (np.cumsum(ties) - ties / 2) / max(len(values), 1)
        scores: Array = np.asarray([NormalDist().inv_cdf(share) for share in shares])[place]
        return scores

    def _pick(self, plays: Array, uniforms: Array, generator: np.random.Generator) -> Array:
        """Code of the next point, from the plays (rounds + 1, E, K); uniforms (rounds + 1, E)."""
        for code in ProductDistribution(plays).sample(uniforms)[::-1]:
            point = self.space.trim(code)
            if self.noisy or not self._known(point):
                return point
        rest = self._unknown(generator)
        if rest is None:
            raise _ExhaustedError("space is exhausted: all of its points were asked for or told")
        return rest

    def _unknown(self, generator: np.random.Generator) -> Array | None:
        """A point of positive prior that was neither asked for nor told, if there is one."""
        walk = self.space.walk(generator)
        return next((code for code in walk if not self._known(code)), None)

    def _known(self, code: Array) -> bool:
        return any(code.tobytes() in some for some in (self._told, self._outstanding, self._barred))

    def _table(self, codes: Sequence[Array]) -> Array:
        """Codes (n, E), also of none."""
        return np.asarray(codes, dtype=np.int64).reshape(-1, len(self.space.names))
