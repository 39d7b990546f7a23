#!/usr/bin/env python3
"""Von Neumann's minimax theorem by self-play: `python examples/minimax.py`.

A matrix game A: the row player pays <p, A q> to the column player. Two learners play it; the
regrets of the two add up to T times the duality gap of their average strategies:

    max_j (p' A)_j - min_i (A q')_i  =  (regret of rows + regret of columns) / T
                                    <=  (certificate of rows + certificate of columns) / T -> 0

so min max and max min meet, in the value of the game. Here rows are images of digits, columns are
pixels that say "8" where they are bright, or the contrary, and A = 1 where a pixel is right. The
value is the share that the best vote of pixels gets right on its hardest image: boosting's margin.

Sources: Freund & Schapire 1999 (adaptive game playing); von Neumann 1928; Dantzig's linear program.
"""

import numpy as np
from scipy.optimize import linprog
from sklearn.datasets import load_digits

import experts


def pixels(images=60):
    """A[i, j] = 1 if pixel j, or its contrary, is right about image i: (images, 2 * 64)."""
    x, y = load_digits(return_X_y=True)
    x, y = x[(y == 3) | (y == 8)][:images], y[(y == 3) | (y == 8)][:images]
    right = (x > 8) == (y == 8)[:, None]
    return np.concatenate([right, ~right], axis=1).astype(float)


def solved(a):
    """The value of the game: max v such that A q >= v in every row, q on the simplex."""
    rows, columns = a.shape
    answer = linprog(
        np.append(np.zeros(columns), -1.0),
        A_ub=np.hstack([-a, np.ones((rows, 1))]),
        b_ub=np.zeros(rows),
        A_eq=[[1.0] * columns + [0.0]],
        b_eq=[1.0],
        bounds=[(0, None)] * columns + [(None, None)],
    )
    return -answer.fun


def main(rounds=5000):
    """Returns (round, lower, upper, bound on their distance) for some rounds, and the value."""
    a = pixels()
    value = solved(a)
    rows = experts.Player(experts.adahedge(), like=a[:, 0])
    columns = experts.Player(experts.adahedge(), like=a[0], rewards=True)
    sums, table = [np.zeros(n) for n in a.shape], []
    print("round  max min      value        min max      gap       certificates / T")
    for t in range(1, rounds + 1):
        p, q = rows.predict(), columns.predict()
        rows.update(a @ q)
        columns.update(p @ a)
        sums = [total + play for total, play in zip(sums, (p, q), strict=True)]
        lower, upper = (a @ sums[1]).min() / t, (sums[0] @ a).max() / t
        bound = (rows.certificate().max() + columns.certificate().max()) / t
        assert lower - 1e-9 <= value <= upper + 1e-9
        assert upper - lower <= bound + 1e-9
        if t in {1, 10, 100, 1000, rounds}:
            table.append((t, lower, upper, bound))
            print(f"{t:5}  {lower:.6f}  {value:.8f}  {upper:.6f}  {upper - lower:.6f}  {bound:.6f}")
    return table, value


if __name__ == "__main__":
    main()
