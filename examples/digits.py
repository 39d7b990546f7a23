#!/usr/bin/env python3
"""XNAS in a plain PyTorch loop: a cell of one's own on scikit-learn's digits, in under a minute."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

from nas_adapter import EdgeExperts

OPERATIONS = ("none", "identity", "max_pool", "conv_3x3")
EDGES = ((0, 1), (0, 2), (1, 2))  # source and target of each edge
WIDTH, BATCH = 16, 64


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, WIDTH, 3, padding=1)
        self.edges = nn.ModuleList(nn.ModuleList(self.operations()) for _ in EDGES)
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, 10))

    def operations(self):
        convolution = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        return nn.Identity(), nn.MaxPool2d(3, 1, 1), nn.Sequential(nn.ReLU(), convolution)

    def forward(self, x, p):  # p[e, k] weighs operation k on edge e; "none" adds nothing
        nodes = [self.stem(x), 0, 0]
        for e, (source, target) in enumerate(EDGES):
            outputs = [operation(nodes[source]) for operation in self.edges[e]]
            nodes[target] = nodes[target] + sum(
                w * y for w, y in zip(p[e, 1:], outputs, strict=True)
            )
        return self.head(nodes[2])


def main(epochs=40):
    torch.manual_seed(0)
    images, labels = (torch.from_numpy(part) for part in load_digits(return_X_y=True))
    images = images.float().view(-1, 1, 8, 8) / 16
    order = torch.randperm(len(labels))
    train, valid, test = order.split([704, 704, len(order) - 1408])

    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.003)
    batches = len(train) // BATCH
    edges = EdgeExperts([len(OPERATIONS)] * len(EDGES), steps=epochs * batches, reward_bound=0.05)
    for _ in range(epochs):
        halves = (half[torch.randperm(len(half))].split(BATCH) for half in (train, valid))
        for now, later in zip(*halves, strict=True):
            optimizer.zero_grad()
            p = edges.distribution()
            cross_entropy(net(images[now], p), labels[now]).backward()
            optimizer.step()

            p = edges.distribution(requires_grad=True)
            cross_entropy(net(images[later], p), labels[later]).backward(inputs=[p])
            for edge, operation in edges.update(p):
                print(f"step {edges.step}: edge {EDGES[edge]} loses {OPERATIONS[operation]}")
    with torch.no_grad():
        found = net(images[test], edges.distribution()).argmax(-1)
    accuracy = (found == labels[test]).float().mean().item()
    print({EDGES[e]: OPERATIONS[k] for e, k in enumerate(edges.architecture())})
    print(f"supernet: {accuracy:.1%} of test images right; {edges.clipped_share():.0%} clipped")
    print(f"regret {edges.regret():.3f} <= {edges.certificate():.3f} <= {edges.bound():.3f}")
    return edges, accuracy


if __name__ == "__main__":
    main()
