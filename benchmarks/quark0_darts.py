"""quark0/darts as it is, on a PyTorch of today."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@contextmanager
def _older_torch(device: torch.device) -> Iterator[None]:
    """What their code of 2018 calls and PyTorch no longer has: `x.add_(factor, y)`, and so on; and
    `cuda()` as a way to `device`.
    """
    kept: dict[tuple[Any, str], Any] = {}

    def patch(owner: Any, name: str, made: Callable[..., Any]) -> None:
        kept[owner, name] = getattr(owner, name)
        setattr(owner, name, made)

    def scaled(name: str) -> Callable[..., Tensor]:
        plain = getattr(Tensor, name)

        def call(x: Tensor, *terms: Any, **options: Any) -> Tensor:
            if len(terms) == 2:
                terms = (terms[0] * terms[1],)
            return plain(x, *terms, **options)  # type: ignore[no-any-return]

        return call

    for name in ("add_", "sub_", "sub"):
        patch(Tensor, name, scaled(name))
    patch(Tensor, "cuda", lambda x, *_, **__: x.to(device))
    patch(nn.Module, "cuda", lambda module, *_, **__: module.to(device))
    try:
        yield
    finally:
        for (owner, name), made in kept.items():
            setattr(owner, name, made)


def images(
    path: Path, channels: int, cells: int, batches: list[Any], *, second: bool
) -> Callable[[], None]:
    """A step of quark0/darts's search for images, as in their train_search.py."""
    (device,) = {part.device for batch in batches for part in batch}
    search, architect = _theirs(path / "cnn")
    settings = SimpleNamespace(
        momentum=0.9, weight_decay=3e-4, arch_learning_rate=3e-4, arch_weight_decay=1e-3
    )
    criterion = nn.CrossEntropyLoss().to(device)
    with _older_torch(device):
        net = search.Network(channels, 10, cells, criterion).cuda()
        architect = architect.Architect(net, settings)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.025, momentum=0.9, weight_decay=3e-4)
    train, valid = batches

    def step() -> None:
        with _older_torch(device):
            architect.step(*train, *valid, 0.025, optimizer, unrolled=second)
        optimizer.zero_grad()
        loss = criterion(net(train[0]), train[1])
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimizer.step()
        loss.item()

    return step


def texts(
    path: Path, words: int, width: int, batches: list[Any], *, second: bool
) -> Callable[[], None]:
    """A step of their search for texts, without dropout and without penalties on activations."""
    (device,) = {part.device for batch in batches for part in batch}
    search, architect = _theirs(path / "rnn")
    settings = SimpleNamespace(wdecay=5e-7, clip=0.25, arch_lr=3e-3, arch_wdecay=1e-3)
    with _older_torch(device):
        net = search.RNNModelSearch(words, width, width, width, *[0.0] * 5).cuda()
        architect = architect.Architect(net, settings)
    optimizer = torch.optim.SGD(net.parameters(), lr=20, weight_decay=5e-7)
    train, valid = ((inputs, targets.flatten()) for inputs, targets in batches)
    hidden = net.init_hidden(train[0].shape[1])

    def step() -> None:
        with _older_torch(device):
            architect.step(hidden, *train, hidden, *valid, optimizer, second)
            optimizer.zero_grad()
            found = net(train[0], hidden, return_h=True)[0]
        loss = functional.nll_loss(found.view(-1, found.size(2)), train[1])
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.25)
        optimizer.step()
        loss.item()

    return step


def _theirs(path: Path) -> tuple[ModuleType, ModuleType]:
    """Their modules model_search and architect; a process can have those of one folder only."""
    sys.path.insert(0, str(path))
    search, architect = (importlib.import_module(name) for name in ("model_search", "architect"))
    if hasattr(search, "RNNModel"):  # its embedding calls into PyTorch what is gone
        search.RNNModel.forward.__globals__["embedded_dropout"] = _embedded
    return search, architect


def _embedded(embedding: nn.Embedding, words: Tensor, dropout: float = 0.0) -> Tensor:
    if dropout:
        raise ValueError("this stand-in has no dropout")
    return functional.embedding(words, embedding.weight)
