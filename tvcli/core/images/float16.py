"""float16 as float32, bit for bit, several times as quickly as numpy's own conversion.

numpy converts value by value. Shifted by 13 bits, a float16 is a float32 of the same sign and
digits whose exponent is 112 too small: four steps over whole blocks, each of them vectorised.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

VALUES_AT_ONCE = 65_536  # values at a time: they stay in the cache
FEW = 4096  # values; fewer are converted sooner one by one
DIGITS = 13  # bits that a float32 has more of, after the point
KEPT = np.int32(-0x7000_2000)  # 0x8fffe000: the sign, 5 bits of exponent, 10 digits
SCALE = np.float32(2.0**112)
ENDLESS = np.int16(0x7C00)  # the exponent of infinity and of what is no number


def as_float32(halves: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
    """Return float16 of any shape as new float32 of the same values."""
    if halves.size < FEW:
        return halves.astype(np.float32)
    values = np.empty(halves.shape, np.float32)
    bits = np.ascontiguousarray(halves).reshape(-1).view(np.int16)
    found = values.reshape(-1)
    for start in range(0, len(bits), VALUES_AT_ONCE):
        _convert(bits[start : start + VALUES_AT_ONCE], found[start : start + VALUES_AT_ONCE])
    return values


def _convert(bits: npt.NDArray[np.int16], values: npt.NDArray[np.float32]) -> None:
    """Write what the bits (n,) of float16 mean to values (n,)."""
    if ((bits & ENDLESS) == ENDLESS).any():
        values[:] = bits.view(np.float16)
        return
    wide: npt.NDArray[Any] = values.view(np.int32)
    np.copyto(wide, bits)
    wide <<= DIGITS
    wide &= KEPT
    values *= SCALE
