"""Engines, which compute a game. All give the same trace, up to rounding.

``plain``  any learner, any environment: one Python step a round, over the whole batch
``scan``   full information and a rate that ignores the losses: numpy over whole stretches of rounds
``numba``  compiled loops, also for bandits (needs the extra `fast`)
``turns``  policies, contexts, sleeping experts, late losses, sequences with switches, all the rest

Under bandit feedback the game itself multiplies rounding errors, by about 1 + eta / p whenever an
expert of probability p is drawn. There every prediction is the plain one along the engine's own
path, but two engines' paths part after a number of rounds that grows with 1 / eta: as with two
versions of numpy, both are fair samples of the same game.

An engine lists the parts of FTRL that it can run by class, so that a new part is run by `plain`
until another engine lists it. The choice of an engine is in `choice.py`.
"""
