"""`OnlineAggregator`: several forecasts into one, row by row, in scikit-learn's conventions."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Self

import numpy as np

from experts.forecasting import frames
from experts.forecasting.estimator import Estimator
from experts.forecasting.fitted import Fitted
from experts.forecasting.history import History
from experts.forecasting.plots import Course, course, pictures
from experts.forecasting.setup import read_table
from experts.types import Array


class OnlineAggregator(Estimator):
    r"""Combines K forecasts into one, with weights learned row by row from what came of them.

    The forecast of row t uses the forecasts of row t and observations of earlier rows only. Rows
    come in the order of time, forecasts in the columns of a pandas or polars frame or of an array
    (n, K), (n, S, K) for S series side by side. A missing forecast (nan) is a sleeping expert: the
    others share its weight in that row. A missing observation changes nothing.

    Parameters
    ----------
    learner
        A learner of `experts`, or its name; "nnls", nonnegative least squares; "aggregating",
        Vovk's aggregating algorithm, for the losses "log" and "brier"; or "auto": that for these
        losses, "adahedge" where observations are late, and else "ml_poly", which needs neither a
        rate nor the range of the losses and is what R's opera takes. (For dozens of forecasts
        "boa": its bound grows with ln K.) Certificates hold for losses of any range.
    unit
        Of the losses that the learner is told. None: as they are; so a rate, as in
        ``experts.fixed_share(eta=0.5, alpha=0.05)``, is one over losses. "auto": a power of 2, at
        least their range so far, with a new start when that grows (`rescaled`); rates are then for
        losses in [0, 1]. "ml_poly", "ml_prod", "boa", "squint", "normal_hedge" and "adahedge" have
        no rate or range of their own, and need no unit.
    loss
        "squared", "absolute", "pinball:0.9" (of any level); "log" and "brier" for probabilities of
        an event that is observed as 1 or 0, or of `classes`; a function (forecast, observed) that
        is convex in the forecast, or a pair of such a function and its derivative. See `losses`.
    gradient
        The gradient trick: the learner is told the linear losses slope(f) x_k, and the regret is
        bounded to every fixed mixture of the forecasts. Without it, to every forecast. The
        aggregating algorithm does not use it.
    combine, radius, intercept
        "convex" mixtures; "nonnegative" combinations with a sum of at most `radius` (of any sum if
        learner="nnls"); "bounded" ones, whose absolute coefficients have a sum of at most `radius`,
        with an `intercept` of that size in the unit of the target (0: none). See `hull`.
    levels, shared
        Levels of quantile forecasts, (n, K, Q) or (n, S, K, Q), with loss="pinball" or "crps"
        (twice the pinball loss, whose mean over a fine grid of levels is the CRPS). Every level has
        weights of its own, unless `shared`. The combined quantiles are sorted: they do not cross,
        and their total loss is never larger for it.
    classes
        C, for loss="log" or "brier": forecasts (n, K, C) or (n, S, K, C) are probabilities of C
        classes, which add up to 1, and observations their numbers, 0 ... C - 1.
    delay
        Rows by which observations are late: row t uses those of rows before t - delay. Learners
        that can take them as they come (`Learner.supports` "delayed": "adahedge", all of FTRL,
        "fixed_share") do; others run in delay + 1 copies, which see one row in delay + 1 each:
        see `schedule`.
    time, group, available_at
        Names of columns that are no forecasts: of the rows' dates or times, which must not go back;
        of a key, such as a place, that says which of several independent series a row belongs to;
        of the time from which on an observation may be used, instead of `delay`. All methods take
        them as arrays too: ``fit(X, y, group=...)``. A pandas frame's index of dates is its time.
    keep_history
        Keep all rows in `history_`.

    Attributes
    ----------
    combined_
        The combined forecasts of the last `fit` or `partial_fit`, shaped and labelled as the input.
    weights_, intercept_
        Coefficients of the next row, (..., K).
    regret_, certificate_
        Our loss less every corner's, and an upper bound on it: ``regret_ <= certificate_`` in every
        table (`game` has the proof). With the gradient trick our loss exceeds that of every fixed
        mixture u of the corners by at most ``u @ certificate_``.
    mixture_regret_
        Our loss less that of the best fixed mixture, by convex optimisation over all rows.
    groups_
        The groups, in the order of the first axis of these; [] without groups.
    experts_, corners_
        Names of the columns, in the order of the weights; names of the corners of `hull`, which are
        the experts if combine="convex".
    history_, score_table_
        All rows so far, a `History`; and how good every forecaster was in them, see `scores`.

    Examples
    --------
    >>> import numpy as np
    >>> from experts.forecasting import OnlineAggregator
    >>> observed = np.sin(np.arange(200) / 10)
    >>> forecasts = np.stack([observed + 0.5, observed - 0.5, 0 * observed], axis=1)
    >>> forecasts[:20, 1] = np.nan  # has no forecasts yet
    >>> model = OnlineAggregator(learner="boa", loss="squared")
    >>> combined = model.fit_predict(forecasts, observed)
    >>> model.weights_.round(2)
    array([0.53, 0.37, 0.1 ])
    >>> model.predict([[1.5, 0.5, 0.0]]).round(2)
    array([0.99])
    >>> bool((model.regret_ <= model.certificate_).all())
    True
    """

    combined_: Any
    _as: SimpleNamespace  # the parameters it was fitted with
    _fitted: Fitted
    _history: list[History]

    def __init__(
        self,
        learner: Any = "auto",
        loss: Any = "squared",
        *,
        unit: str | None = None,
        gradient: bool = True,
        combine: str = "convex",
        radius: float = 2.0,
        intercept: float = 0.0,
        levels: Sequence[float] | None = None,
        shared: bool = False,
        classes: int | None = None,
        delay: int = 0,
        time: str | int | None = None,
        group: str | int | None = None,
        available_at: str | int | None = None,
        keep_history: bool = True,
    ) -> None:
        self.learner = learner
        self.loss = loss
        self.unit = unit
        self.gradient = gradient
        self.combine = combine
        self.radius = radius
        self.intercept = intercept
        self.levels = levels
        self.shared = shared
        self.classes = classes
        self.delay = delay
        self.time = time
        self.group = group
        self.available_at = available_at
        self.keep_history = keep_history

    def fit(self, X: Any, y: Any, **columns: Any) -> Self:
        """Forget everything, then `partial_fit`."""
        return self._go_on(None, X, y, columns)

    def fit_predict(self, X: Any, y: Any, **columns: Any) -> Any:
        """`fit`; the combined forecasts, each made before the row's observation was used."""
        return self.fit(X, y, **columns).combined_

    def partial_fit(self, X: Any, y: Any, **columns: Any) -> Self:
        """Go on with more rows; their combined forecasts are in `combined_`.

        A frame may lack columns, whose experts sleep, and have new ones, whose experts get the
        prior that they would have had from the start: a share of the others', see `newcomers`.

        Parameters
        ----------
        X
            Forecasts: a frame, or an array (n, K), (n, S, K), with levels (..., Q).
        y
            Observations, (n,) or (n, S); nan where missing.
        **columns
            time, group, available_at as arrays (n,), or other names of columns.

        Raises
        ------
        ValueError
            Infinite numbers; no rows; columns that hold none; y of another length; forecasts or
            observations for which the loss is not defined; time that goes back. The model is then
            as before.
        """
        return self._go_on(getattr(self, "_fitted", None), X, y, columns)

    def predict(self, X: Any, **columns: Any) -> Any:
        """Combined forecasts for the rows that come next, with the weights of now.

        Nothing is learned. Observations that were given, but are late, are used as the rows go on.
        A column that says when observations become available may be lacking: they count as on time.
        """
        fitted = self._known()
        table = read_table(self._as, X, columns, ahead=True)
        return fitted.labelled(self._as, X, fitted.ahead(table))

    def score(self, X: Any, y: Any, **columns: Any) -> float:
        """Minus the mean loss of `predict`, so that larger is better.

        Of rows with an observation and a forecast; ValueError if there are none.
        """
        fitted = self._known()
        table = read_table(self._as, X, columns, ahead=True)
        observed = table.observed(y)
        frames.check_same_rows(X, y)
        losses = fitted.setup.loss.value(fitted.ahead(table), observed[..., None])
        if np.isnan(losses).all():
            raise ValueError("there is no row with an observation and a forecast")
        return -float(np.nanmean(losses))

    @property
    def weights_(self) -> Array:
        """Coefficients of the forecasts in the next row if none is missing, (K,).

        (..., K) for several problems: groups or series, then levels. Probabilities if
        combine="convex".
        """
        fitted = self._known()
        return fitted.stacked(lambda track: fitted.hull.folded(track.weights())[0])

    @property
    def intercept_(self) -> Array:
        """The constant that is added in the next row; 0 unless combine="bounded"."""
        fitted = self._known()
        return fitted.stacked(lambda track: fitted.hull.folded(track.weights())[1][:, None])[..., 0]

    @property
    def groups_(self) -> list[Any]:
        """The groups, in the order of the first axis of `weights_` and what is like it."""
        fitted = self._known()
        return list(fitted.tracks) if fitted.grouped else []

    @property
    def regret_(self) -> Array:
        """Our total loss less every corner's, (..., corners), in the rows where that took part.

        The corners are the experts if combine="convex". Rows count once their observation has come.
        """
        return self._known().stacked(lambda track: track.game.regret)

    @property
    def mixture_regret_(self) -> Any:
        """Our total loss less that of the best fixed mixture of the corners, a number; see
        `best_mixture`. (..., ) for groups and series; with levels the mean over them.
        """
        fitted = self._known()
        found = fitted.mixture_regrets(self._whole_history())
        found = found if fitted.series else found[:, 0]
        return found if fitted.grouped else found[0]

    @property
    def certificate_(self) -> Array:
        """Upper bounds on `regret_`, (..., corners), computed while playing: see `game`."""
        return self._known().stacked(lambda track: track.game.certificate())

    @property
    def history_(self) -> History:
        """All rows so far."""
        fitted = self._known()
        return self._whole_history().squeezed(series=fitted.series, levels=fitted.setup.quantiles)

    @property
    def score_table_(self) -> list[dict[str, Any]]:
        """How good every expert was, their mean, the best fixed mixture, and ours: see `scores`."""
        return self.course().scores

    def course(self, names: Sequence[str] | None = None) -> Course:
        """What happened, for tables and pictures; `names` of the experts, where arrays had none."""
        return course(self._known(), self._whole_history(), names or self.experts_, self._dated)

    def plot(self, names: Sequence[str] | None = None) -> Any:
        """A matplotlib Figure: weights over time, losses summed up, scores; see `plots`."""
        return pictures(self.course(names))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")

    def _go_on(self, before: Fitted | None, data: Any, y: Any, columns: dict[str, Any]) -> Self:
        how = SimpleNamespace(**self.get_params()) if before is None else self._as
        table = read_table(how, data, columns)
        observed = table.observed(y)
        frames.check_same_rows(data, y)
        fitted = Fitted.of(how, table) if before is None else before
        fitted, table = fitted.aligned(table, observed, newcomers=True)
        fitted, history = fitted.play(table, observed)
        self._as, self._fitted = how, fitted
        self._history = self._history if before is not None else []
        if how.keep_history:
            self._history.append(history)
        self.experts_, self.corners_ = fitted.experts, fitted.hull.names(fitted.experts)
        self.n_features_in_, self._dated = len(fitted.experts), table.dated
        if fitted.named:
            self.feature_names_in_ = np.asarray(fitted.experts, dtype=object)
        self.combined_ = fitted.labelled(how, data, history.combined)
        return self

    def _known(self) -> Fitted:
        self._check_fitted()
        return self._fitted

    def _whole_history(self) -> History:
        if not self._history:
            raise AttributeError("the rows of the past are there with keep_history=True only")
        return History.joined(self._history)
