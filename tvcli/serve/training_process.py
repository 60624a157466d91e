"""Trains both heads as a process: `python -m tvcli.serve.training_process FOLDER NICE CROPS`.

It reads `boxes.jsonl` in the folder and writes both heads there, and what they are worth, or what
was wrong, in `result.json`; `CROPS` are the settings of the crops, as JSON. It goes `NICE` steps
down in priority, and ends when its input ends: with whoever started it, however that one ended;
then the folder goes too.
"""

import json
import os
import shutil
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tvcli.core.errors import reason_of
from tvcli.core.files.atomic_write import atomic_write
from tvcli.core.parallel import limit_libraries

BOXES, RESULT = "boxes.jsonl", "result.json"


def main(folder: Path, nice: int, crops: dict[str, Any]) -> None:
    """Train, and say in the folder what came of it."""
    threading.Thread(target=_end_with_input, args=(folder,), daemon=True).start()
    os.nice(nice)
    limit_libraries()
    from tvcli.core.location.crops import CropSettings
    from tvcli.core.location.pair_training import train_pair  # brings torch

    try:
        command = ["tv", "annotate", "boxes", "--learn"]
        settings = CropSettings(**crops)
        told = asdict(train_pair(folder / BOXES, folder, command, settings=settings))
    except Exception as error:
        told = {"error": reason_of(error)}
    with atomic_write(folder / RESULT) as file:
        file.write_text(json.dumps(told), "utf-8")


def _end_with_input(folder: Path) -> None:
    os.read(0, 1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
