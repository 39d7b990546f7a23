#!/usr/bin/env python3
"""What code of the published DARTS's shape changes: two lines of `forward`, and the alphas' step.

DARTS's search network has two tensors of 14 x 8, `alphas_normal` and `alphas_reduce`, which every
cell puts through a softmax inside `forward`. Here is such a network, in small; the two lines that
change have the old line beside them. Also shown: a GradScaler, whose scale `update` takes off.
"""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import avg_pool2d, cross_entropy

from nas_adapter import EdgeExperts

NODES = 4  # of a cell, behind its two inputs
EDGES = sum(2 + node for node in range(NODES))  # 14
PRIMITIVES = {  # 8: name -> operation of `c` channels and a stride
    "none": lambda c, stride: Zero(stride),
    "max_pool_3x3": lambda c, stride: nn.MaxPool2d(3, stride, 1),
    "avg_pool_3x3": lambda c, stride: nn.AvgPool2d(3, stride, 1, count_include_pad=False),
    "skip_connect": lambda c, stride: nn.Identity() if stride == 1 else nn.AvgPool2d(1, 2),
    "sep_conv_3x3": lambda c, stride: conv(c, 3, stride, groups=c),
    "sep_conv_5x5": lambda c, stride: conv(c, 5, stride, groups=c),
    "dil_conv_3x3": lambda c, stride: conv(c, 3, stride, dilation=2, groups=c),
    "dil_conv_5x5": lambda c, stride: conv(c, 5, stride, dilation=2, groups=c),
}


class Zero(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return 0 * x[:, :, :: self.stride, :: self.stride]


def conv(channels, kernel, stride, dilation=1, groups=1):
    padding = dilation * (kernel // 2)
    depthwise = nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups, bias=False)
    pointwise = nn.Conv2d(channels, channels, 1, bias=False)
    return nn.Sequential(nn.ReLU(), depthwise, pointwise, nn.BatchNorm2d(channels, affine=False))


class MixedOp(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self._ops = nn.ModuleList(make(channels, stride) for make in PRIMITIVES.values())

    def forward(self, x, weights):
        return sum(w * op(x) for w, op in zip(weights, self._ops, strict=True))


class Cell(nn.Module):
    def __init__(self, channels, reduction):
        super().__init__()
        self.reduction = reduction
        self.preprocess = nn.ModuleList(
            nn.Sequential(nn.LazyConv2d(channels, 1, bias=False), nn.BatchNorm2d(channels))
            for _ in range(2)
        )
        self._ops = nn.ModuleList(
            MixedOp(channels, 2 if reduction and source < 2 else 1)
            for node in range(NODES)
            for source in range(2 + node)
        )

    def forward(self, s0, s1, weights):
        if s0.shape[-1] > s1.shape[-1]:
            s0 = avg_pool2d(s0, 2)
        states = [prepare(s) for prepare, s in zip(self.preprocess, (s0, s1), strict=True)]
        edge = 0
        for _ in range(NODES):
            incoming = enumerate(states, start=edge)
            new = sum(self._ops[e](state, weights[e]) for e, state in incoming)
            edge += len(states)
            states.append(new)
        return torch.cat(states[2:], dim=1)


class Network(nn.Module):
    def __init__(self, channels=4, layers=3, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(1, channels, 3, padding=1)
        reductions = [layer in (layers // 3, 2 * layers // 3) for layer in range(layers)]
        self.cells = nn.ModuleList(Cell(channels, reduction) for reduction in reductions)
        self.classifier = nn.Linear(NODES * channels, classes)
        # was: self.alphas_normal, self.alphas_reduce = 1e-3 * torch.randn(2, 14, 8)

    def forward(self, x, p):
        s0 = s1 = self.stem(x)
        for cell in self.cells:
            if cell.reduction:  # noqa: SIM108
                weights = p["reduce"]  # was: weights = softmax(self.alphas_reduce, dim=-1)
            else:
                weights = p["normal"]  # was: weights = softmax(self.alphas_normal, dim=-1)
            s0, s1 = s1, cell(s0, s1, weights)
        return self.classifier(s1.mean((2, 3)))


def main(epochs=2, batch=64):
    torch.manual_seed(0)
    images, labels = (torch.from_numpy(part) for part in load_digits(return_X_y=True))
    images = images.float().view(-1, 1, 8, 8) / 16
    train, valid = torch.randperm(len(labels)).split([896, len(labels) - 896])

    device = "cuda" if torch.cuda.is_available() else "cpu"
    images, labels = images.to(device), labels.to(device)
    model = Network().to(device)
    grid = [len(PRIMITIVES)] * EDGES
    # was: architect = Architect(model, args), with an Adam of its own
    edges = EdgeExperts(
        {"normal": grid, "reduce": grid},
        steps=epochs * (len(train) // batch),
        reward_bound=0.02,
        device=device,
    )
    model(images[:2], edges.distribution())  # lazy layers find their widths
    optimizer = torch.optim.SGD(model.parameters(), lr=0.025, momentum=0.9)
    scaler = torch.amp.GradScaler(device)
    for _ in range(epochs):
        halves = (half[torch.randperm(len(half))].split(batch) for half in (train, valid))
        for now, later in zip(*halves, strict=False):
            # was: architect.step(...), a gradient step on the alphas
            p = edges.distribution(requires_grad=True)
            loss = cross_entropy(model(images[later], p), labels[later])
            scaler.scale(loss).backward(inputs=list(p.values()))
            edges.update(p, scale=scaler.get_scale())

            optimizer.zero_grad()
            loss = cross_entropy(model(images[now], edges.distribution()), labels[now])
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    names = list(PRIMITIVES)
    for cell, chosen in edges.architecture().items():
        print(cell, [names[index] for index in chosen])
    print(f"regret {edges.regret():.3f} <= {edges.certificate():.3f} <= {edges.bound():.3f}")
    return edges


if __name__ == "__main__":
    main()
