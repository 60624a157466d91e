"""Memory that is freed and asked for again in each step."""

import ctypes
import sys


def keep_freed_memory() -> None:
    """Have glibc keep what is freed: mapping it anew in each step halves the speed on CPU."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        trim_threshold, mmap_max = -1, -4
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, 2**31 - 1)
