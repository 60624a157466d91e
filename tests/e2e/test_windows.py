"""Where tv cannot run, it says so, whatever else is missing there."""

import subprocess
import sys

AS_ON_WINDOWS = """
import runpy, sys
sys.modules["fcntl"] = sys.modules["resource"] = None
sys.platform = "win32"
sys.argv = ["tv", "search", "a.jpg"]
runpy.run_module("tvcli", run_name="__main__")
"""


def test_windows_is_told_of_in_one_line() -> None:
    command = [sys.executable, "-c", AS_ON_WINDOWS]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, len(ran.stderr.splitlines())) == (2, "", 1), ran.stderr
    assert ran.stderr.startswith("tv: Windows is not supported") and "WSL" in ran.stderr
