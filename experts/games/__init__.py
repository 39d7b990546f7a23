"""Games that learners play against each other: matrices, correlated equilibria, Kuhn poker."""
