"""TensorBoard events of a run: a folder for each phase, so that each has an axis of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch.utils.tensorboard import SummaryWriter


class Board:
    """Events in the folder `out`.

    The search and every training are runs of TensorBoard: their axes are the steps of the search
    and the epochs of the training, and trainings are drawn in one picture. Where a phase goes on,
    or is done anew, what was written of it from that place on does not count.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._phase: str | None = None
        self._writer: SummaryWriter | None = None

    def add(self, record: Mapping[str, Any]) -> None:
        """The numbers of one record, see `Run.log`."""
        phase, axis = record["phase"], "step" if "step" in record else "epoch"
        place = int(record[axis])
        if phase != self._phase or self._writer is None:
            self.close()
            self._phase = phase
            self._writer = SummaryWriter(str(self._out / phase), purge_step=place)
        for name, value in record.items():
            if isinstance(value, int | float) and name != axis:
                self._writer.add_scalar(f"{phase.partition(' ')[0]}/{name}", value, place)

    def conclude(
        self, settings: Mapping[str, Any], numbers: Mapping[str, float], cell: Path | None
    ) -> None:
        """The run as a whole: its settings with what they led to, and the picture of its cell."""
        self.close()
        writer = SummaryWriter(str(self._out))
        plain = {
            name: value if isinstance(value, bool | int | float | str) else str(value)
            for name, value in settings.items()
        }
        writer.add_hparams(plain, dict(numbers), run_name=".")
        if cell is not None:
            with Image.open(cell) as image:
                writer.add_image("cell", np.asarray(image.convert("RGB")), dataformats="HWC")
        writer.close()

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
        self._writer = None
