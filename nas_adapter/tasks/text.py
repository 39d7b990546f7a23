"""Language modelling: the next token; cross-entropy in nats a token, measured by perplexity."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from nas_adapter import ranks
from nas_adapter.data.text import (
    TEST_STREAMS,
    Text,
    as_streams,
    check_length,
    count_windows,
    load,
    windows,
)
from nas_adapter.errors import UserError, positive, rates
from nas_adapter.randomness import Stream, stream
from nas_adapter.spaces import Size
from nas_adapter.spaces.darts_rnn import Dropout
from nas_adapter.supernets.supernet import Weights
from nas_adapter.tasks.base import Forward, TaskSettings

JUDGED = 5
"""One in so many validation tokens is set aside to judge by."""


@dataclass(frozen=True, kw_only=True)
class TextSettings(TaskSettings):
    """Settings of language modelling."""

    data: str = "pydoc"
    """Text: pydoc (Python's help topics), or text:PATH."""
    batch_size: int = 64
    """Streams that the text is read in, side by side."""
    bptt: int = 16
    """Tokens that a text is read in at once; gradients go back no further."""
    tokens: str = "auto"
    """Kind of tokens: word, char, or auto, which is char for a single file."""
    vocabulary: int = 10_000
    """Largest number of words; the others are <unk>."""
    min_count: int = 3
    """Words that occur less often in the training part are <unk>."""
    dropout: float = 0.0
    """Dropout rate of a language model's outputs, and of the embeddings that enter its cell."""
    hidden_dropout: float = 0.0
    """Dropout rate of what enters the matrices of the cell."""

    def __post_init__(self) -> None:
        positive(batch_size=self.batch_size, bptt=self.bptt)
        positive(vocabulary=self.vocabulary, min_count=self.min_count)
        rates(dropout=self.dropout, hidden_dropout=self.hidden_dropout)

    def load(self, seed: int, device: torch.device) -> LanguageModel:
        """See `TaskSettings.load`."""
        text = load(
            self.data, tokens=self.tokens, vocabulary=self.vocabulary, min_count=self.min_count
        )
        return LanguageModel(text.to(device), self, seed=seed)


@dataclass(slots=True)
class Passage:
    """A batch of text: a window of T tokens in B streams, and the hidden state before and after."""

    inputs: Tensor
    """(T, B)"""
    targets: Tensor
    """(T, B), each the token after the input"""
    before: Tensor | None
    """(B, H), the hidden state that the window before ended with; None: zeros"""
    after: Tensor | None = None
    """(B, H), what `LanguageModel.loss` leaves for the next window; detached"""


class LanguageModel:
    """Prediction of the next token of a text; implements `Task`.

    The training part of the text trains the weights, the validation part drives the architecture.
    The text is read in `batch_size` streams side by side, in windows of `bptt` tokens; the hidden
    state is passed from window to window, gradients are not. The shorter validation part starts
    over, with its hidden state, as often as the training part needs. Every epoch begins at another
    offset below `bptt`, so that windows are cut at other places.

    A network of this task is called with (tokens, hidden, weights, dropout, targets) and returns
    loss, or without targets logits, and hidden state, see `spaces.darts_rnn.Network.forward`.

    Parameters
    ----------
    text
        The data set, on the device where networks are trained.
    settings
        Streams, windows and dropout. Dropout acts in every loss, also on the validation part (as
        published), and never in `measure`.
    seed
        Seed of every random choice.
    judges
        Text for `judges`, see `with_judges`.

    Raises
    ------
    UserError
        A part of the text is shorter than one window.

    Source: Liu et al. 2019 (DARTS), Appendix A.1.2 for the two parts of the text; Merity et al.
    2018, "Regularizing and Optimizing LSTM Language Models" for the rest.
    """

    metric = "perplexity"
    higher_is_better = False
    independent = False
    drop_path = 0.0

    def __init__(
        self, text: Text, settings: TextSettings, *, seed: int, judges: Tensor | None = None
    ) -> None:
        batch_size, bptt = settings.batch_size, settings.bptt
        self._settings, self._judges = settings, judges
        if batch_size < 2:
            raise UserError("--batch-size must be at least 2: a search normalises over the streams")
        ranks.check_parts(batch_size)
        check_length(text, batch_size, bptt)
        self._text, self._seed, self._batch_size = text, seed, batch_size
        rate = settings.dropout
        self._bptt = bptt
        self._dropout = Dropout(inputs=rate, hidden=settings.hidden_dropout, outputs=rate)
        self.facts = {
            "tokens": text.tokens,
            "vocabulary": len(text.vocabulary),
            "train_tokens": len(text.train),
            "test_tokens": len(text.test),
            "test_unknown_share": text.unknown_share("test"),
            "understood": text.understood,
        }
        self.vocabulary = text.vocabulary
        self.guess = math.log(len(text.vocabulary))
        self.device = text.train.device
        self.search_steps = max(1, count_windows(text.train[bptt - 1 :], batch_size, bptt))
        self.retrain_steps = self.search_steps

    @property
    def text(self) -> Text:
        """The data set."""
        return self._text

    def size(self, channels: int, *, search: bool) -> Size:
        """See `Task.size`: the same for both, with one cell."""
        words = len(self._text.vocabulary)
        return Size(words, words, channels, cells=1)

    def search_batches(self, epoch: int) -> Iterator[tuple[Passage, Passage]]:
        """See `Task.search_batches`."""
        valid = self._text.valid
        again = itertools.chain.from_iterable(
            self._passages(valid, self._batch_size, whole=True, part=True)
            for _ in itertools.count()
        )
        return zip(self.retrain_batches(epoch), again, strict=False)

    def retrain_batches(self, epoch: int) -> Iterator[Passage]:
        """See `Task.retrain_batches`."""
        generator = stream(self._seed, Stream.BATCHES, epoch)
        offset = int(torch.randint(self._bptt, (), generator=generator))
        tokens = self._text.train[offset:] if self.retrain_steps > 1 else self._text.train
        passages = self._passages(tokens, self._batch_size, whole=True, part=True)
        return itertools.islice(passages, self.retrain_steps)

    def held_out(self) -> Iterator[Passage]:
        """See `Task.held_out`; in `batch_size` streams, over which a supernet normalises."""
        return self._passages(self._text.valid, self._batch_size, whole=False)

    def with_judges(self) -> LanguageModel:
        """See `Task.with_judges`: the last fifth of the validation part."""
        valid = self._text.valid
        aside = len(valid) // JUDGED
        if aside < 2 * TEST_STREAMS:
            raise UserError(
                f"the valid part of the text has {len(valid)} tokens, and a fifth of that is too "
                f"little to judge by: {2 * TEST_STREAMS} are needed; --decide search with "
                "--fidelity-cells 0, or of a retraining --no-held-out, sets none aside"
            )
        cut = len(valid) - aside
        text = replace(self._text, valid=valid[:cut])
        return LanguageModel(text, self._settings, seed=self._seed, judges=valid[cut:])

    def judges(self) -> Iterator[Passage]:
        """See `Task.judges`."""
        if self._judges is None:
            raise ValueError("no text was set aside: see with_judges")
        return self._passages(self._judges, TEST_STREAMS, whole=False)

    def probe(self, index: int) -> None:
        """See `Task.probe`: none, as the scores are for images."""

    def test(self) -> Iterator[Passage]:
        """See `Task.test`."""
        return self._passages(self._text.test, TEST_STREAMS, whole=False)

    def loss(self, network: Forward, batch: Passage, weights: Weights) -> Tensor:
        """Mean cross-entropy; stores the hidden state after the batch in the batch."""
        loss, hidden = network(batch.inputs, batch.before, weights, self._dropout, batch.targets)
        batch.after = hidden.detach()
        return loss  # type: ignore[no-any-return]

    @torch.no_grad()
    def measure(self, network: Forward, batches: Iterable[Passage], weights: Weights) -> float:
        """Perplexity: exp(mean cross-entropy) over all tokens but the first of each stream."""
        total, count = 0.0, 0
        for batch in batches:
            loss, batch.after = network(batch.inputs, batch.before, weights, None, batch.targets)
            total += loss.item() * batch.targets.numel()
            count += batch.targets.numel()
        nats = total / count
        if not nats < math.log(1e300):
            raise UserError(f"the network gives the text {nats} nats a token: it has diverged")
        return math.exp(nats)

    def further(
        self, network: Forward, batches: Iterable[Passage], weights: Weights
    ) -> dict[str, float]:
        """See `Task.further`: none."""
        return {}

    @torch.no_grad()
    def losses(self, network: Forward, batches: Iterable[Passage], weights: Weights) -> Tensor:
        """See `Task.losses`; an example is a token."""
        found = []
        for batch in batches:
            logits, batch.after = network(batch.inputs, batch.before, weights)
            loss = nn.functional.cross_entropy(
                logits.flatten(0, 1), batch.targets.flatten(), reduction="none"
            )
            found.append(loss)
        return torch.cat(found).double().cpu()

    def _passages(
        self, tokens: Tensor, streams: int, *, whole: bool, part: bool = False
    ) -> Iterator[Passage]:
        """Passages of one reading of a part; each takes up the hidden state of the last.

        `part`: of this process's part of the streams.
        """
        hidden, text = None, as_streams(tokens, streams)
        for window in windows(ranks.part(text, 1) if part else text, self._bptt, whole=whole):
            passage = Passage(window.inputs, window.targets, hidden)
            yield passage
            hidden = passage.after
