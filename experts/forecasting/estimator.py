"""`Estimator`: what scikit-learn asks of an estimator, without scikit-learn.

It is imported only by those who ask for tags, and for the type of the error of a model that is not
fitted: then it is there.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any, Self


class Estimator:
    """Parameters of the constructor as attributes of the same names; fitted ones end in "_"."""

    @classmethod
    def _names(cls) -> list[str]:
        return list(inspect.signature(cls).parameters)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's parameters, by name."""
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params: Any) -> Self:
        """Change parameters of the constructor; they count from the next `fit`.

        Raises
        ------
        ValueError
            For a name that is no parameter.
        """
        for name, value in params.items():
            if name not in self._names():
                raise ValueError(
                    f"Invalid parameter {name!r} for estimator {self!r}. Valid parameters are: "
                    f"{self._names()!r}."
                )
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self)).parameters
        shown = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if repr(value) != repr(defaults[name].default)
        ]
        return f"{type(self).__name__}({', '.join(shown)})"

    def __sklearn_is_fitted__(self) -> bool:
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import InputTags, RegressorTags, Tags, TargetTags  # noqa: PLC0415

        return Tags(
            estimator_type="regressor",
            target_tags=TargetTags(required=True),
            regressor_tags=RegressorTags(poor_score=True),  # it fits no data: it mixes columns
            input_tags=InputTags(allow_nan=True, three_d_array=True),
        )

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            kind: type[Exception] = ValueError
            if "sklearn" in sys.modules:
                from sklearn.exceptions import NotFittedError  # noqa: PLC0415

                kind = NotFittedError
            raise kind(
                f"This {type(self).__name__} instance is not fitted yet: call fit or partial_fit"
            )
