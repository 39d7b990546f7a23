"""Online convex optimisation: learners on a ball, a box, a simplex, a product of them."""
