"""What a report says of the settings: the command makes the same run."""

from __future__ import annotations

import shlex

import pytest
from studies.xnas.options import parse

from nas_adapter.front.options import options
from nas_adapter.front.settings import make_settings
from nas_adapter.front.told import changed, command


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("", []),
        ("--smoke", ["smoke"]),
        ("--epochs 7 --seed 3", ["seed", "epochs"]),
        ("--preset published --channels 4", ["preset", "channels"]),
        ("--warmup 0", ["reward_bound", "warmup"]),
        ("--without none skip_connect", ["without"]),
        ("--without", ["without"]),
        ("--max-minutes 2.5 --no-wipeout", ["max_minutes", "wipeout"]),
        ("--preset quick --max-minutes none", ["preset", "max_minutes"]),
        ("--method random --candidates 5", ["candidates"]),
        ("--space darts-rnn --dropout 0.25", ["dropout"]),
        ("--data folder:/with/a&blank/ --image-size 16", ["data", "image_size"]),
        ("--compare '|none~0|+|none~0|none~1|+|none~0|none~1|none~2|'", ["compare"]),
    ],
)
def test_the_command_makes_the_same_run(line: str, names: list[str]) -> None:
    config = parse(shlex.split(line))
    found = changed(config.settings, config.space, config.seed)
    assert [one.name for one in found] == names
    data, further = config.settings.task.data, {"method": config.method}
    written = command(config.space, data, found, further)
    assert written is not None
    program, script, *arguments = shlex.split(written)
    assert (program, script) == ("python", "experiments/run_xnas.py")
    again = parse(arguments)
    assert options(again.settings) == options(config.settings)
    assert (again.seed, again.method, again.space) == (config.seed, config.method, config.space)


def test_what_has_no_effect_is_no_difference() -> None:
    """A file, or Python, may set it; a command line may not."""
    settings = make_settings("nasbench201", image_size=16, learner="adahedge", reward_bound=0.2)
    assert [one.name for one in changed(settings, "nasbench201")] == ["learner"]


def test_what_a_resumed_run_has_settled_by_itself_is_no_difference() -> None:
    settled = make_settings("nasbench201", decide="trained", fidelity_cells=12, fidelity_epochs=5)
    assert [one.name for one in changed(settled, "nasbench201")] == [
        "decide", "fidelity_cells", "fidelity_epochs",
    ]  # fmt: skip
    assert changed(settled, "nasbench201", settle=lambda _: settled.choice) == []


@pytest.mark.parametrize(
    ("space", "data"), [("nasbench201", "own images, 9 to train on"), ("NASBench201", "digits")]
)
def test_a_run_from_python_has_no_command(space: str, data: str) -> None:
    assert command(space, data, [], {}) is None
