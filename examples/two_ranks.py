#!/usr/bin/env python3
"""XNAS on several processes: `torchrun --nproc-per-node 2 examples/two_ranks.py`.

Every rank has its own images. DistributedDataParallel averages the weights' gradients over the
ranks, and EdgeExperts the rewards, before it clips them: so all ranks hold the same distributions
and remove the same operations. Nothing else is needed; gloo on CPUs, nccl on GPUs.
"""

import torch
from sklearn.datasets import load_digits
from torch import distributed, nn
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel

from nas_adapter import EdgeExperts, MixedEdge

WIDTH, STEPS, BATCH = 32, 60, 64


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Linear(64, WIDTH)
        self.edges = nn.ModuleList(
            MixedEdge({0: None, 1: nn.Identity(), 2: nn.ReLU(), 3: self.layer()}) for _ in range(3)
        )
        self.head = nn.Linear(WIDTH, 10)

    def layer(self):
        return nn.Sequential(nn.ReLU(), nn.Linear(WIDTH, WIDTH))

    def forward(self, x, p):
        x = self.stem(x)
        for edge, weights in zip(self.edges, p, strict=True):
            x = x + edge(x, weights)
        return self.head(x)


def main():
    distributed.init_process_group("gloo")
    rank, ranks = distributed.get_rank(), distributed.get_world_size()
    torch.manual_seed(rank)  # of the batches; the weights are sent from rank 0
    images, labels = (torch.from_numpy(part[rank::ranks]) for part in load_digits(return_X_y=True))
    images = images.float() / 16
    train, valid = torch.randperm(len(labels)).chunk(2)

    net = DistributedDataParallel(Net())
    optimizer = torch.optim.Adam(net.parameters(), lr=0.003)
    edges = EdgeExperts([4] * 3, steps=STEPS, reward_bound=0.05)
    for _ in range(STEPS):
        now, later = (half[torch.randint(len(half), (BATCH,))] for half in (train, valid))
        optimizer.zero_grad()
        cross_entropy(net(images[now], edges.distribution()), labels[now]).backward()
        optimizer.step()

        p = edges.distribution(requires_grad=True)
        loss = cross_entropy(net.module(images[later], p), labels[later])  # needs no average of DDP
        loss.backward(inputs=[p])
        # An operation that is removed keeps its parameters: DDP expects a gradient for each.
        edges.update(p)
    print(f"rank {rank}: {edges.distribution(dtype=torch.float64).flatten().tolist()}", flush=True)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
