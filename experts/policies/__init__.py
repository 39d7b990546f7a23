"""Stochastic bandits with finite-time bounds: UCB1, KL-UCB, MOSS, Thompson sampling.

`experts.bounds` has the bounds. To add a policy, add a file with its preset, and name it here.
"""

from experts.policies.kl_ucb import kl_ucb
from experts.policies.moss import moss
from experts.policies.thompson import thompson_beta, thompson_gaussian
from experts.policies.ucb1 import ucb1

__all__ = ["kl_ucb", "moss", "thompson_beta", "thompson_gaussian", "ucb1"]
