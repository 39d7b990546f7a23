"""Our search as a sampler of Optuna: `optuna.create_study(sampler=ExpertsSampler(seed=0))`."""

from experts.optuna.sampler import ExpertsSampler

__all__ = ["ExpertsSampler"]
