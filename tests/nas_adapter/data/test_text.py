"""Texts by name: how they are split, tokenised and read in windows; and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nas_adapter.data.text import Text, as_streams, check_length, count_windows, load, windows
from nas_adapter.errors import UserError

VERSES = "the cat sat.\nthe dog, unlike it, ran!!\n\n"


def read(name: str, *, tokens: str = "auto", vocabulary: int = 10_000, min_count: int = 1) -> Text:
    return load(name, tokens=tokens, vocabulary=vocabulary, min_count=min_count)


def spelled(text: Text, part: str) -> str:
    gap = "" if text.tokens == "char" else " "
    return gap.join(text.vocabulary[index] for index in getattr(text, part).tolist())


def test_a_file_is_its_characters_split_in_order(tmp_path: Path) -> None:
    path = tmp_path / "verses.txt"
    path.write_text(VERSES * 60)
    text = read(f"text:{path}")
    assert text.tokens == "char"
    assert "".join(spelled(text, part) for part in ("train", "valid", "test")) == VERSES * 60
    total = len(VERSES) * 60
    assert len(text.train) == total * 9 // 10
    assert len(text.valid) == len(text.test) == total // 20
    assert text.vocabulary[:3] == ("<unk>", " ", "t")


def test_words_are_runs_of_letters_or_of_one_sign_and_every_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "verses.txt"
    path.write_text(VERSES * 60)
    text = read(f"text:{path}", tokens="word")
    assert spelled(text, "train").startswith(
        "the cat sat . <eos> the dog , unlike it , ran !! <eos> <eos> the cat"
    )


def test_a_folder_is_read_as_it_is_tokenised(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text(" mr. <unk> is N years\n he is n't \n")
    (tmp_path / "valid.txt").write_text("is he old\n")
    (tmp_path / "test.txt").write_text("n't\n")
    text = read(f"text:{tmp_path}")
    assert spelled(text, "train") == "mr. <unk> is N years <eos> he is n't <eos>"
    assert text.vocabulary[:3] == ("<unk>", "is", "<eos>")
    assert spelled(text, "valid") == "is he <unk> <eos>"
    assert text.unknown_share("valid") == 0.25
    assert spelled(text, "test") == "n't <eos>"


@pytest.mark.parametrize("tokens", ["char", "word"])
def test_lines_end_at_newlines_alone_and_a_mark_is_no_token(tokens: str, tmp_path: Path) -> None:
    plain, marked = tmp_path / "plain.txt", tmp_path / "marked.txt"
    plain.write_bytes(b"one two\nthree\n" * 20)
    marked.write_bytes(b"\xef\xbb\xbf" + b"one two\r\nthree\r\n" * 20)
    one, other = (read(f"text:{path}", tokens=tokens) for path in (plain, marked))
    assert one.vocabulary == other.vocabulary
    assert torch.equal(one.train, other.train)
    assert one.understood.endswith("; read as UTF-8, lines end at newlines")


def test_other_separators_are_blanks_between_words(tmp_path: Path) -> None:
    path = tmp_path / "odd.txt"
    path.write_text("one\u2028two\x85three\x0cfour\x1cfive\rsix\n" * 20, encoding="utf-8")
    text = read(f"text:{path}", tokens="word")
    assert spelled(text, "train").startswith("one two three four five six <eos> one two")
    assert "\u2028" in read(f"text:{path}").vocabulary


def test_parts_of_a_text_by_their_usual_names(tmp_path: Path) -> None:
    for name in ("Train", "validation", "TEST"):
        (tmp_path / f"{name}.txt").write_text(f"{name}\n")
    text = read(f"text:{tmp_path}")
    assert spelled(text, "train") == "Train <eos>"
    assert len(text.valid) == len(text.test) == 2


def test_the_vocabulary_is_of_the_training_part_and_can_be_cut(tmp_path: Path) -> None:
    path = tmp_path / "rare.txt"
    path.write_text("a b a c b a\n" * 18 + "d\n" + "e f\n")
    assert set(read(f"text:{path}", tokens="word").vocabulary) == {"<unk>", *"abc", "<eos>"}
    assert read(f"text:{path}", tokens="word", vocabulary=2).vocabulary == ("<unk>", "a", "b")
    few = read(f"text:{path}", tokens="word", min_count=30)
    assert few.vocabulary == ("<unk>", "a", "b")
    # Characters are all kept.
    assert "c" in read(f"text:{path}", vocabulary=2, min_count=30).vocabulary


def test_python_s_help_topics_say_everything_once() -> None:
    text = read("pydoc", min_count=3)
    assert text.tokens == "word"
    assert len(text.train) > 70_000
    assert 1000 < len(text.vocabulary) < 4000
    assert 0 < text.unknown_share("train") < text.unknown_share("test") < 0.2
    # No long run of training words comes again in the test.
    train, test = text.train.tolist(), text.test.tolist()
    runs = {tuple(train[i : i + 30]) for i in range(len(train))}
    assert not any(tuple(test[i : i + 30]) in runs for i in range(len(test) - 30))


@given(length=st.integers(2, 200), streams=st.integers(1, 5), window=st.integers(1, 30))
def test_windows_cover_every_stream_once(length: int, streams: int, window: int) -> None:
    tokens = torch.arange(length * streams + streams - 1)
    side_by_side = as_streams(tokens, streams)
    assert side_by_side.shape == (length, streams)
    parts = list(windows(side_by_side, window, whole=False))
    assert torch.equal(torch.cat([part.inputs for part in parts]), side_by_side[:-1])
    for part in parts:
        assert torch.equal(part.targets, part.inputs + 1)
    whole = list(windows(side_by_side, window, whole=True))
    assert all(len(part.inputs) == window for part in whole)
    assert len(whole) == count_windows(tokens, streams, window) == (length - 1) // window


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("text", "text:PATH needs a path"),
        ("text:", "text:PATH needs a path"),
        ("penn", r"unknown --data 'penn': choose one of pydoc, text:PATH"),
        ("text:{}/missing.txt", r"--data: there is no .*missing\.txt"),
        ("text:{}/empty.txt", r"empty\.txt is empty"),
        (
            "text:{}/latin.txt",
            r"latin\.txt is not UTF-8 text: byte 0xe9 at 8, in line 2 \(.*\); save it as UTF-8",
        ),
        ("text:{}/twice", r"twice has more than one file for its valid part: dev\.txt, valid\.txt"),
        ("text:{}/half", r"half/valid\.txt does not exist: a folder of text needs train\.txt, "),
    ],
)
def test_what_cannot_be_read(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "latin.txt").write_bytes(b"\xef\xbb\xbf1\ncaf\xe9 ")
    (tmp_path / "twice").mkdir()
    for part in ("train", "valid", "dev", "test"):
        (tmp_path / "twice" / f"{part}.txt").write_text("one\n")
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "train.txt").write_text("one\n")
    with pytest.raises(UserError, match=message):
        read(name.format(tmp_path))


def test_too_short_for_a_window(tmp_path: Path) -> None:
    path = tmp_path / "short.txt"
    path.write_text("a" * 1000)
    text = read(f"text:{path}")
    check_length(text, 2, 24)
    with pytest.raises(UserError, match=r"the valid part .* has 50 tokens, fewer than the 52"):
        check_length(text, 2, 25)
    check_length(replace(text, test=text.test[:20]), 2, 24)
    with pytest.raises(UserError, match=r"the test part .* has 19 tokens, fewer than the 20"):
        check_length(replace(text, test=text.test[:19]), 2, 24)
