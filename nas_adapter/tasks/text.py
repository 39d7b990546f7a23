"""Language modelling: the next token; cross-entropy in nats a token, measured by perplexity."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from nas_adapter.data.text import (
    TEST_STREAMS,
    Text,
    as_streams,
    check_length,
    count_windows,
    windows,
)
from nas_adapter.errors import UserError
from nas_adapter.randomness import Stream, stream
from nas_adapter.spaces import Size
from nas_adapter.spaces.darts_rnn import Dropout
from nas_adapter.supernets.supernet import Weights
from nas_adapter.tasks.base import Forward


@dataclass(slots=True)
class Passage:
    """A window of the text, and the hidden state that passes through it."""

    inputs: Tensor
    """(T, B)"""
    targets: Tensor
    """(T, B), each the token after the input"""
    before: Tensor | None
    """(B, H), the hidden state that the window before ended with; None: zeros"""
    after: Tensor | None = None
    """(B, H), what `LanguageModel.loss` leaves for the next window; detached"""


class LanguageModel:
    """The training part trains the weights, the validation part drives the architecture.

    The text is read in `batch_size` streams side by side, in windows of `bptt` tokens; the hidden
    state runs on from window to window, gradients do not. The shorter validation part starts over,
    with its hidden state, as often as the training part needs. Every epoch begins at another
    offset below `bptt`, so that windows are cut elsewhere.

    A network of this task is called with (tokens, hidden, weights, dropout) and returns logits and
    hidden state, see `spaces.darts_rnn.Network.forward`.

    Parameters
    ----------
    text
        On the device where everything is to happen.
    seed, batch_size, bptt
        Of every random choice; streams; tokens of a window.
    dropout
        Its rates in every loss, that on the validation part included (as published); nothing is
        dropped out in measuring.

    Raises
    ------
    UserError
        A part of the text is shorter than one window.

    Source: Liu et al. 2019 (DARTS), Appendix A.1.2 for the two parts of the text; Merity et al.
    2018, "Regularizing and Optimizing LSTM Language Models" for the rest.
    """

    metric = "perplexity"
    higher_is_better = False

    def __init__(
        self, text: Text, *, seed: int, batch_size: int, bptt: int, dropout: Dropout
    ) -> None:
        if batch_size < 2:
            raise UserError("--batch-size must be at least 2: a search normalises over the streams")
        check_length(text, batch_size, bptt)
        self._text, self._seed, self._batch_size = text, seed, batch_size
        self._bptt, self._dropout = bptt, dropout
        self.facts = {
            "tokens": text.tokens,
            "vocabulary": len(text.vocabulary),
            "train_tokens": len(text.train),
            "test_tokens": len(text.test),
            "test_unknown_share": text.unknown_share("test"),
        }
        self.vocabulary = text.vocabulary
        self.device = text.train.device
        self.search_steps = max(1, count_windows(text.train[bptt - 1 :], batch_size, bptt))
        self.retrain_steps = self.search_steps

    def size(self, channels: int, cells: int) -> Size:
        """See `Task.size`."""
        words = len(self._text.vocabulary)
        return Size(words, words, channels, cells)

    def search_batches(self, epoch: int) -> Iterator[tuple[Passage, Passage]]:
        """See `Task.search_batches`."""
        valid = self._text.valid
        again = itertools.chain.from_iterable(
            self._passages(valid, self._batch_size, whole=True) for _ in itertools.count()
        )
        return zip(self.retrain_batches(epoch), again, strict=False)

    def retrain_batches(self, epoch: int) -> Iterator[Passage]:
        """See `Task.retrain_batches`."""
        generator = stream(self._seed, Stream.BATCHES, epoch)
        offset = int(torch.randint(self._bptt, (), generator=generator))
        tokens = self._text.train[offset:] if self.retrain_steps > 1 else self._text.train
        passages = self._passages(tokens, self._batch_size, whole=True)
        return itertools.islice(passages, self.retrain_steps)

    def held_out(self) -> Iterator[Passage]:
        """See `Task.held_out`; in `batch_size` streams, over which a supernet normalises."""
        return self._passages(self._text.valid, self._batch_size, whole=False)

    def test(self) -> Iterator[Passage]:
        """See `Task.test`."""
        return self._passages(self._text.test, TEST_STREAMS, whole=False)

    def loss(self, network: Forward, batch: Passage, weights: Weights) -> Tensor:
        """Mean cross-entropy; moves the batch's hidden state on."""
        logits, hidden = network(batch.inputs, batch.before, weights, self._dropout)
        batch.after = hidden.detach()
        return nn.functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten())

    @torch.no_grad()
    def measure(self, network: Forward, batches: Iterable[Passage], weights: Weights) -> float:
        """exp(mean cross-entropy) over all tokens but the first of each stream."""
        total, count = 0.0, 0
        for batch in batches:
            logits, batch.after = network(batch.inputs, batch.before, weights)
            total += nn.functional.cross_entropy(
                logits.flatten(0, 1), batch.targets.flatten(), reduction="sum"
            ).item()
            count += batch.targets.numel()
        nats = total / count
        if not nats < math.log(1e300):
            raise UserError(f"the network gives the text {nats} nats a token: it has diverged")
        return math.exp(nats)

    def show(self, value: float) -> str:
        """See `Task.show`."""
        return f"{value:.2f}"

    def _passages(self, tokens: Tensor, streams: int, *, whole: bool) -> Iterator[Passage]:
        """One reading of a part; each window takes the hidden state up from the one before."""
        hidden = None
        for window in windows(as_streams(tokens, streams), self._bptt, whole=whole):
            passage = Passage(window.inputs, window.targets, hidden)
            yield passage
            hidden = passage.after
