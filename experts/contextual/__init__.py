"""Bandits that see a context: advice of experts, features of arms; values from a log."""

from experts.contextual.environments import FiniteContexts, GoodAdvice, LinearLosses
from experts.contextual.exp4 import Exp4, exp4, exp4_ix
from experts.contextual.features import disjoint, shared
from experts.contextual.linear_thompson import LinearThompson, linear_thompson
from experts.contextual.linucb import LinUCB, linucb
from experts.contextual.logs import Log, read_log
from experts.contextual.off_policy import Value, doubly_robust, ips, snips
from experts.contextual.real_linexp3 import RealLinExp3, real_linexp3
from experts.contextual.replay import replay

__all__ = [
    "Exp4",
    "FiniteContexts",
    "GoodAdvice",
    "LinUCB",
    "LinearLosses",
    "LinearThompson",
    "Log",
    "RealLinExp3",
    "Value",
    "disjoint",
    "doubly_robust",
    "exp4",
    "exp4_ix",
    "ips",
    "linear_thompson",
    "linucb",
    "read_log",
    "real_linexp3",
    "replay",
    "shared",
    "snips",
]
