"""A page of `tv` as people see it: the command that serves it, and a Chromium that opens it."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def served(*words: str, folder: Path | None = None) -> Iterator[str]:
    """Run a command that serves a page, in a folder, and give the address that it prints."""
    command = [sys.executable, "-m", "tvcli", *words, "--no-open"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            yield next(line.strip() for line in process.stderr if line.startswith("http://"))
        finally:
            process.send_signal(signal.SIGINT)


def chromium(driver: Any) -> Any:
    """Start the Chromium that is installed, under Playwright's driver."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    return driver.chromium.launch(executable_path=executable, args=["--no-sandbox"])
