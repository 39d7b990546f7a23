#!/usr/bin/env python3
"""Portfolios with transaction costs: `python examples/portfolio.py [CSV] [--stocks 0 1 2]`.

Price relatives x_t (price of the day over that of the day before) of a CSV file without names, or
made up. A portfolio p multiplies wealth by <p, x_t>; back to p the next day, it pays a share `cost`
of all that it buys. Two guarantees, each checked below after every day:

    EG, before costs     ln wealth(u) - ln wealth <= <u, certificate> for every portfolio u that is
                         rebalanced daily: -ln <p, x> is convex, its gradient is -x / <p, x>
    mixture, with costs  ln wealth(best fund) - ln wealth <= ln N: N funds, each rebalanced daily to
                         a portfolio of its own and at its own cost, get 1/N each, for good. This is
                         Hedge with eta = 1 over the funds; nothing is moved from fund to fund

Sources: Helmbold et al. 1998 (EG); Cover 1991 and Blum & Kalai 1999, Section 3 (the mixture, for
all portfolios at once; here those of a grid).
"""

import argparse
import itertools

import numpy as np

import experts


def made_up(days=1000, seed=0):
    """Three stocks: two that swing against each other and go nowhere, one that grows slowly."""
    rng = np.random.default_rng(seed)
    swing = np.diff(rng.choice([-0.04, 0.04], size=days + 1))
    return np.exp(np.stack([swing, -swing, rng.normal(0.0002, 0.005, days)], axis=1))


def kept(drifted, wanted, cost):
    """The share f of wealth that is left when `drifted` is turned into `wanted`.

    f = 1 - cost * sum max(0, f wanted - drifted): what is bought is paid for from the wealth.
    """
    share = np.ones(np.broadcast_shapes(drifted.shape, wanted.shape)[:-1])
    for _ in range(16):  # a contraction by the factor `cost`: exact for costs of up to 10 %
        share = 1 - cost * np.maximum(0, share[..., None] * wanted - drifted).sum(-1)
    return share


def main(relatives=None, cost=0.01, eta=0.5, parts=10):
    """Returns the growth of wealth, a factor, by name."""
    x = made_up() if relatives is None else relatives
    n = x.shape[1]
    grid = [c for c in itertools.product(range(parts + 1), repeat=n) if sum(c) == parts]
    funds = np.asarray(grid) / parts
    eg = experts.Player(experts.exponentiated_gradient(eta=eta), like=x[0])
    mixture = experts.Player(experts.hedge(eta=1.0), like=funds[:, 0])
    free, net, drifted = np.zeros(len(funds)), np.zeros(len(funds)), funds  # ln wealth of the funds
    ours = dict.fromkeys(("EG before costs", "EG", "mixture of funds"), 0.0)
    left = np.ones(n) / n  # what the day before has made of EG's portfolio
    for day in x:
        p = eg.predict()
        ours["EG before costs"] += np.log(p @ day)
        ours["EG"] += np.log(kept(left, p, cost) * (p @ day))
        left = p * day / (p @ day)
        eg.update(-day / (p @ day))
        growth = funds @ day
        change = np.log(kept(drifted, funds, cost) * growth)
        drifted = funds * day / growth[:, None]
        ours["mixture of funds"] += np.log(mixture.predict() @ np.exp(change))
        mixture.update(-change)
        free, net = free + np.log(growth), net + change
        assert (free - ours["EG before costs"] <= funds @ eg.certificate() + 1e-9).all()
        assert net.max() - ours["mixture of funds"] <= np.log(len(funds)) + 1e-9
    best = np.log(x).sum(0).max()
    ours |= {"best fund before costs": free.max(), "best fund": net.max(), "best stock": best}
    print(f"{len(x)} days, {n} stocks, {len(funds)} funds, costs {cost:.1%} of what is bought")
    for name, value in ours.items():
        print(f"{name:24} wealth x {np.exp(value):8.3f}")
    behind, bound = free - ours["EG before costs"], funds @ eg.certificate()
    at = behind.argmax()
    print(f"EG is behind the best fund by {behind[at]:.3f} in ln wealth, at most {bound[at]:.3f}")
    behind = net.max() - ours["mixture of funds"]
    print(f"the mixture, with costs, by {behind:.3f}, at most ln N = {np.log(len(funds)):.3f}")
    return {name: float(np.exp(value)) for name, value in ours.items()}


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="Portfolios with transaction costs.")
    options.add_argument("csv", nargs="?", help="price relatives: a day a row, a stock a column")
    options.add_argument("--stocks", type=int, nargs="+", default=[0, 1, 2], help="columns")
    options.add_argument("--cost", type=float, default=0.01, help="share of what is bought")
    given = options.parse_args()
    table = given.csv and np.loadtxt(given.csv, delimiter=",", usecols=given.stocks, ndmin=2)
    main(table, given.cost)
