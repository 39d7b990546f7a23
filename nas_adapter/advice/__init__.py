"""Advice: what is believed of architectures before their weights are trained, as priors on edges.

The scores that it rests on are in `nas_adapter.scores`, what learners do with a prior in
`nas_adapter.strategies`.
"""
