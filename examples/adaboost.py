#!/usr/bin/env python3
"""AdaBoost is Hedge over the training examples: `python examples/adaboost.py [--picture FILE]`.

The examples are the experts, and have a loss in a round whose stump gets them right: so the weight
goes to those that are hard. A stump h_t of weighted error e_t has the vote a_t, and Hedge (eta = 1)

    p_t(i) in proportion to exp(-2 sum_{s<t} a_s [h_s(x_i) = y_i]),   a_t = ln((1 - e_t) / e_t) / 2

is AdaBoost. An example that the weighted vote gets wrong has a total loss of at most sum_t a_t;
Hedge's loss less its gaps is -ln of the mean over examples of exp(-total loss). So

    share of errors <= exp(sum_t a_t - Hedge's loss + gaps) = prod_t 2 sqrt(e_t (1 - e_t))
                    <= exp(-2 sum_t edge_t**2),   edge_t = 1/2 - e_t.

Sources: Freund & Schapire 1997, Theorem 6; margins: Schapire et al. 1998, Theorem 5.
"""

import argparse

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer
from sklearn.tree import DecisionTreeClassifier

import experts

ROUNDS, MARGINS = 300, np.linspace(0, 0.3, 7)


def main(rounds=ROUNDS):
    """Returns error and bounds after every round, and every example's margin after some."""
    x, y = load_breast_cancer(return_X_y=True)
    n = len(y)
    hedge = experts.Player(experts.hedge(eta=1.0), like=np.zeros(n))
    votes, errors = np.zeros(n), np.zeros(0)  # votes for the right class less those against it
    total, suffered = 0.0, 0.0
    table, margins = [], {}
    for t in range(1, rounds + 1):
        p = hedge.predict()
        stump = DecisionTreeClassifier(max_depth=1).fit(x, y, sample_weight=p)
        right = stump.predict(x) == y
        error = p[~right].sum()
        assert 0 < error < 0.5, "no weak learner"
        a = np.log((1 - error) / error) / 2
        loss = np.where(right, 2 * a, 0.0)
        hedge.update(loss)
        votes, total, suffered = votes + np.where(right, a, -a), total + a, suffered + p @ loss
        errors = np.append(errors, error)
        gaps = hedge.certificate()[0] - np.log(n)  # the certificate is ln n / eta + gaps
        path = np.exp(total - suffered + gaps)
        prior = np.exp(-2 * np.sum((0.5 - errors) ** 2))
        wrong = np.mean(votes <= 0)
        assert wrong <= path * (1 + 1e-9) <= prior * (1 + 1e-6)
        table.append((t, wrong, path, prior))
        if t in {1, 10, 100, rounds}:
            margins[t] = np.sort(votes / total)
            for theta in MARGINS:
                factors = 4 * errors ** (1 - theta) * (1 - errors) ** (1 + theta)
                bound = np.sqrt(factors).prod()
                assert np.mean(votes / total <= theta) <= bound * (1 + 1e-9)
    print("round  training error  Hedge's bound  exp(-2 sum edge^2)  smallest margin")
    for t, wrong, path, prior in table:
        if t in margins:
            print(f"{t:5}  {wrong:14.4f}  {path:13.4f}  {prior:18.4f}  {margins[t][0]:15.3f}")
    return np.asarray(table), margins


def draw(table, margins, file):
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    t, wrong, path, prior = table.T
    left.semilogy(t, np.where(wrong > 0, wrong, np.nan), label="training error (ends at 0)")
    left.semilogy(t, path, "--", label="Hedge's own bound, product of 2 sqrt(e (1 - e))")
    left.semilogy(t, prior, ":", color="black", label="exp(-2 sum of squared edges)")
    left.set(xlabel="round", ylabel="share of examples", title="Training error and its bounds")
    for rounds, values in margins.items():
        right.plot(values, np.linspace(0, 1, len(values)), label=f"after round {rounds}")
    right.set(
        xlabel="margin",
        ylabel="share of examples below",
        title="The smallest margin grows",
        xticks=np.linspace(-1, 1, 5),
    )
    for axes in (left, right):
        axes.legend(fontsize=8)
    figure.suptitle("AdaBoost as Hedge over 569 examples (breast cancer, decision stumps)")
    figure.savefig(file, dpi=110)


if __name__ == "__main__":
    options = argparse.ArgumentParser(description="AdaBoost as Hedge over training examples.")
    options.add_argument("--picture", help="PNG file to draw")
    picture = options.parse_args().picture
    found = main()
    if picture:
        draw(*found, picture)
