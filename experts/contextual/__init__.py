"""Bandits that see a context: advice of experts, features of arms; values from a log."""

from experts.contextual.environments import FiniteContexts, GoodAdvice, LinearLosses
from experts.contextual.exp4 import Exp4, exp4, exp4_ix
from experts.contextual.features import disjoint, shared
from experts.contextual.linear_thompson import LinearThompson, linear_thompson
from experts.contextual.linucb import LinUCB, linucb
from experts.contextual.real_linexp3 import RealLinExp3, real_linexp3

__all__ = [
    "Exp4",
    "FiniteContexts",
    "GoodAdvice",
    "LinUCB",
    "LinearLosses",
    "LinearThompson",
    "RealLinExp3",
    "disjoint",
    "exp4",
    "exp4_ix",
    "linear_thompson",
    "linucb",
    "real_linexp3",
    "shared",
]
