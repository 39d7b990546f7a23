"""The language model: hidden states from window to window, epochs, and its exported files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from nas_adapter.data.text import Text
from nas_adapter.errors import UserError
from nas_adapter.output.export import TOLERANCE, export, standalone
from nas_adapter.tasks import LanguageModel, TextSettings
from tests.nas_adapter.spaces.test_darts_rnn import (
    LENGTH,
    PUBLISHED,
    SIZE,
    SPACE,
    STREAMS,
    WIDTH,
    WORDS,
    supernet,
    tokens,
)


def text(length: int = 400, valid_length: int = 60) -> Text:
    generator = torch.Generator().manual_seed(3)
    train, valid, test = (
        torch.randint(WORDS, (size,), generator=generator) for size in (length, valid_length, 90)
    )
    return Text(train, valid, test, tuple("abcdefghijk"), "char")


def model() -> LanguageModel:
    return LanguageModel(text(), TextSettings(batch_size=STREAMS, bptt=LENGTH), seed=0)


def test_the_hidden_state_runs_through_the_windows() -> None:
    """Read in windows, a text has the perplexity of one long window."""
    net, found = supernet(search=False), SPACE.parse(PUBLISHED)
    task = model()
    streams = task._text.test[: 9 * 10].view(10, 9).t()
    with torch.no_grad():
        logits, _ = net(streams[:-1], None, found)
    expected = nn.functional.cross_entropy(logits.flatten(0, 1), streams[1:].flatten()).exp()
    assert task.measure(net, task.test(), found) == pytest.approx(expected.item())


def test_a_loss_can_be_taken_again_and_the_last_one_counts() -> None:
    net, weights = supernet(), torch.full((36, 5), 0.2).double()
    task = model()
    batches = task.retrain_batches(0)
    first = next(batches)
    once = task.loss(net, first, weights)
    assert task.loss(net, first, weights) == once
    _, after = net(first.inputs, None, weights)
    second = next(batches)
    assert second.before is not None
    assert torch.equal(second.before, after)
    assert not second.before.requires_grad
    assert task.loss(net, second, weights) != task.loss(
        net, type(second)(second.inputs, second.targets, None), weights
    )


def test_text_that_is_set_aside_is_long_enough_to_judge_by() -> None:
    net, found = supernet(search=False), SPACE.parse(PUBLISHED)
    settings = TextSettings(batch_size=STREAMS, bptt=LENGTH)
    judged = LanguageModel(text(valid_length=100), settings, seed=0).with_judges()
    assert len(judged.losses(net, judged.judges(), found)) == 10
    short = LanguageModel(text(valid_length=99), settings, seed=0)
    with pytest.raises(UserError, match="has 99 tokens, and a fifth of that is too little"):
        short.with_judges()


def test_validation_starts_over_and_epochs_are_cut_elsewhere() -> None:
    task = model()
    pairs = list(task.search_batches(0))
    assert len(pairs) == task.search_steps == task.retrain_steps == 19
    valid = [pair[1] for pair in pairs]
    assert torch.equal(valid[0].inputs, valid[2].inputs)  # 60 tokens: 2 windows of 4 x 5
    starts = {int(next(iter(task.retrain_batches(epoch))).inputs[0, 0]) for epoch in range(9)}
    assert len(starts) > 1
    again = [batch.inputs for batch in task.retrain_batches(3)]
    assert all(
        torch.equal(one, other.inputs)
        for one, other in zip(again, task.retrain_batches(3), strict=True)
    )


def test_an_exported_reader_reads_on(tmp_path: Path) -> None:
    """Token by token through the file, a text has the logits of the network's own reading."""
    torch.manual_seed(0)
    found = SPACE.parse(PUBLISHED)
    net = SPACE.network(SIZE, [[operation] for operation in found], search=False)
    task = model()
    differences = export(task, standalone(task, net, found), tmp_path)
    assert differences.keys() == {"network.pt2", "network.onnx"}
    assert max(differences.values()) < TOLERANCE
    assert json.loads((tmp_path / "vocabulary.json").read_text()) == list(task.vocabulary)
    session = onnxruntime.InferenceSession(str(tmp_path / "network.onnx"))
    hidden = np.zeros((STREAMS, WIDTH), np.float32)
    with torch.no_grad():
        logits, state = net(tokens(), None, found)
    for row, expected in zip(tokens(), logits, strict=True):
        given, hidden = session.run(None, {"tokens": row.numpy(), "hidden": hidden})
        np.testing.assert_allclose(given, expected, atol=1e-5)
    np.testing.assert_allclose(hidden, state, atol=1e-5)
