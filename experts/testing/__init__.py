"""The laws that every learner keeps, and `check_learner`, which tries them on one's own."""

try:
    from experts.testing.check import Report, check_learner, laws, replay
except ModuleNotFoundError as error:
    if error.name != "hypothesis":
        raise
    raise ImportError(
        "experts.testing draws its games with hypothesis, which is not installed: "
        "pip install 'experts-xnas[testing]'"
    ) from error
from experts.testing.games import Game
from experts.testing.law import Law, LawError

__all__ = ["Game", "Law", "LawError", "Report", "check_learner", "laws", "replay"]
