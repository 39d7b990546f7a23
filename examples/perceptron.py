#!/usr/bin/env python3
"""The perceptron's bound on its mistakes, and Winnow's: `python examples/perceptron.py`.

Images of digits x, labels y = +-1, one after the other; both learn from mistakes only. With M
mistakes, |x| <= R, and any u for which h is the sum of max(0, 1 - y <u, x>) over the mistakes:

    perceptron   w += y x;   M <= h + b**2 / 2 + b sqrt(b**2 / 4 + h),  b = R |u|
                 if u separates with a margin, y <u, x> >= 1, that is h = 0: M <= (R |u|)**2
    Winnow       Hedge over the pixels and their contraries, rewards y x / max |x|;
                 if u separates: M <= certificate / margin,  margin = min y <u, x> / (|u|_1 max |x|)

Proofs. M - h <= sum y <u, x> = <u, w> <= |u| |w|, and |w|**2 <= M R**2 as a mistake has
y <w, x> <= 0; solve for M. Winnow: in M rounds it earns at most 0 and u at least M margin.

Sources: Novikoff 1962; with hinge loss Shalev-Shwartz 2012, Section 3.3; Winnow: Littlestone 1988,
as exponentiated gradient Kivinen & Warmuth 1997.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.svm import SVC

import experts


def pair(one, other):
    """Images of two digits with a constant pixel, (n, 65), in [0, 1], and labels +-1."""
    x, y = load_digits(return_X_y=True)
    kept = (y == one) | (y == other)
    return np.hstack([x[kept] / 16, np.ones((kept.sum(), 1))]), np.where(y[kept] == one, 1.0, -1.0)


def comparator(x, y, c):
    """u of a support vector machine, scaled to y <u, x> >= 1 if it separates."""
    machine = SVC(kernel="linear", C=c).fit(x[:, :-1], y)
    u = np.append(machine.coef_[0], machine.intercept_)
    worst = (y * (x @ u)).min()
    return u / worst if worst > 0 else u


def perceptron(x, y, us):
    """Passes over the data until one is without mistakes, at most 50; checks every bound."""
    w, radius, wrong = np.zeros(x.shape[1]), np.linalg.norm(x, axis=1).max(), []
    for _ in range(50):
        before = len(wrong)
        for i in range(len(y)):
            if y[i] * (w @ x[i]) <= 0:
                w, wrong = w + y[i] * x[i], [*wrong, i]
        if len(wrong) == before:
            break
    bounds = []
    for u in us:
        hinge = np.maximum(0, 1 - y[wrong] * (x[wrong] @ u)).sum()
        b = radius * np.linalg.norm(u)
        bounds.append(hinge + b**2 / 2 + b * np.sqrt(b**2 / 4 + hinge))
        assert len(wrong) <= bounds[-1] + 1e-6
    return len(wrong), min(bounds), len(wrong) == before


def winnow(x, y, u):
    """The same with Hedge; u separates."""
    both = np.hstack([x, -x]) / abs(x).max()
    margin = (y * (x @ u)).min() / (abs(u).sum() * abs(x).max())
    player = experts.Player(experts.adahedge(), like=both[0], rewards=True)
    mistakes = 0
    for _ in range(50):
        before = mistakes
        for features, label in zip(both, y, strict=True):
            if label * (player.predict() @ features) <= 0:
                player.update(label * features)
                mistakes += 1
                assert mistakes * margin <= player.certificate().max() + 1e-9
        if mistakes == before:
            break
    return mistakes, player.certificate().max() / margin, mistakes == before


def main():
    """Returns for each pair of digits and learner: (mistakes, bound, did a pass have none)."""
    found = {}
    print("digits  learner     mistakes  bound   the last pass was without one")
    for one, other in ((0, 1), (3, 8), (1, 8)):
        x, y = pair(one, other)
        us = [comparator(x, y, c) for c in (1e-2, 1.0, 1e4)]
        found[one, other, "perceptron"] = perceptron(x, y, us)
        if (y * (x @ us[-1]) > 0).all():
            found[one, other, "winnow"] = winnow(x, y, us[-1])
    for (one, other, name), (mistakes, bound, ended) in found.items():
        print(f"{one} or {other}  {name:10}  {mistakes:8}  {bound:6.0f}  {ended}")
    return found


if __name__ == "__main__":
    main()
