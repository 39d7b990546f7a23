"""Looks: the training-free scores of untrained discrete networks, each under fixed conditions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.nn import functional

from nas_adapter.errors import UserError
from nas_adapter.randomness import Stream, seeded_by, stream
from nas_adapter.scores import gradient_norm, naswot, synflow
from nas_adapter.spaces import Architecture, Size, Space
from nas_adapter.tasks import Task

SIDE = 16
"""Images are halved until neither side is longer, in pixels: a look costs a fraction then."""
THIN, LEAST = 4, 4
"""A look's network has one channel for so many of the retrained one's, but at least `LEAST`."""


class Look(NamedTuple):
    """Scores of one untrained network, in nats; see `nas_adapter.scores`."""

    naswot: float
    synflow: float
    gradient_norm: float


class Discrete(nn.Module):
    """The network of one architecture as a function of images alone."""

    def __init__(self, space: Space, size: Size, architecture: Architecture) -> None:
        super().__init__()
        self.net = space.network(size, [[operation] for operation in architecture], search=False)
        self.architecture = architecture

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, classes)."""
        return self.net(images, self.architecture)  # type: ignore[no-any-return]


def check_looks(space: Space, task: Task) -> None:
    """Raise `UserError` unless the task offers batches to look at."""
    if task.probe(0) is None:
        raise UserError(
            f"--prior scores is for classes of images, not for this {space.task} task; "
            "--prior uniform is for all"
        )


class Looker:
    """Looks at architectures under conditions that are the same for all of them.

    Condition c = 0, 1, ... is a way to draw the initial weights (a generator's state: networks that
    differ draw different numbers) and a batch of training images. The network is as deep as the one
    that will be retrained, as what decides among cells shows with depth, and a quarter as wide.

    Parameters
    ----------
    space, task
        The task must offer batches to look at, see `Task.probe`.
    channels
        C of the network that will be retrained.
    seed
        Of initialisations and batches.
    pause
        Called after each look, when `state_dict` could be saved.
    """

    def __init__(
        self,
        space: Space,
        task: Task,
        channels: int,
        seed: int,
        pause: Callable[[], object] = lambda: None,
    ) -> None:
        check_looks(space, task)
        self._space, self._task, self._seed, self._pause = space, task, seed, pause
        size = task.size(max(LEAST, channels // THIN), search=False)
        self._size = replace(size, auxiliary=False)
        self._known: dict[tuple[Architecture, int], Look] = {}
        self._batches: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, architecture: Architecture, condition: int) -> Look:
        """Of the architecture under condition c; looked at once, then remembered."""
        key = (tuple(architecture), condition)
        if key not in self._known:
            images, labels = self._batch(condition)
            with seeded_by(stream(self._seed, Stream.LOOK, condition)):
                network = Discrete(self._space, self._size, key[0]).to(images.device)
            self._known[key] = Look(
                naswot(network, images),
                synflow(network, images),
                gradient_norm(network, images, labels),
            )
            self._pause()
        return self._known[key]

    @property
    def looks(self) -> int:
        """Looks that were taken."""
        return len(self._known)

    def state_dict(self) -> dict[str, Any]:
        """All that was seen, and the size of the networks."""
        seen = [(*key, *look) for key, look in self._known.items()]
        return {"size": asdict(self._size), "looks": seen}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Remember what was seen until `state_dict()`, unless of networks of another size."""
        if saved["size"] != asdict(self._size):
            return
        for architecture, condition, *look in saved["looks"]:
            self._known[tuple(architecture), condition] = Look(*look)

    def _batch(self, condition: int) -> tuple[Tensor, Tensor]:
        if condition not in self._batches:
            probe = self._task.probe(condition)
            assert probe is not None
            images, labels = probe
            while max(images.shape[-2:]) > SIDE:
                images = functional.avg_pool2d(images, 2, ceil_mode=True)
            self._batches[condition] = (images, labels)
        return self._batches[condition]
