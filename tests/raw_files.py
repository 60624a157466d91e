"""Camera RAW as cameras write it: a TIFF with a sensor's values and a preview beside them."""

import io
import struct

import numpy as np
from PIL import Image

LONG, SHORT, TEXT, BYTE = 4, 3, 2, 1
SIZES = {LONG: "I", SHORT: "H", BYTE: "B"}
Entry = tuple[int, int, tuple[int, ...] | bytes]


def jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=95)
    return stream.getvalue()


def dng(preview: bytes, size: tuple[int, int], orientation: int = 1) -> bytes:
    """Return a DNG of a sensor of `size` (width, height), with a preview (a JPEG)."""
    width, height = size
    values = np.arange(width * height, dtype="<u2").tobytes()
    place = 8
    placed: list[bytes] = []

    def put(data: bytes) -> int:
        nonlocal place
        data += b"\0" * (len(data) % 2)
        placed.append(data)
        place += len(data)
        return place - len(data)

    def directory(*entries: Entry) -> bytes:
        packed = []
        for tag, kind, value in sorted(entries):
            data = (
                value
                if isinstance(value, bytes)
                else struct.pack(f"<{len(value)}{SIZES[kind]}", *value)
            )
            count = len(data) if isinstance(value, bytes) else len(value)
            inside = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack("<I", put(data))
            packed.append(struct.pack("<HHI", tag, kind, count) + inside)
        return struct.pack("<H", len(packed)) + b"".join(packed) + b"\0" * 4

    def area(data: bytes, across: int, down: int, bits: tuple[int, ...]) -> list[Entry]:
        return [
            *((256, LONG, (across,)), (257, LONG, (down,)), (258, SHORT, bits)),
            *((273, LONG, (put(data),)), (277, SHORT, (len(bits),)), (278, LONG, (down,))),
            (279, LONG, (len(data),)),
        ]

    with Image.open(io.BytesIO(preview)) as picture:
        across, down = picture.size
    sensor = directory(
        *((254, LONG, (0,)), (259, SHORT, (1,)), (262, SHORT, (32803,))),
        *((33421, SHORT, (2, 2)), (33422, BYTE, b"\0\1\1\2")),
        *area(values, width, height, (16,)),
    )
    shown = directory(
        *((254, LONG, (1,)), (259, SHORT, (7,)), (262, SHORT, (6,))),
        *area(preview, across, down, (8, 8, 8)),
    )
    first = directory(
        *((254, LONG, (1,)), (271, TEXT, b"Tests\0"), (272, TEXT, b"Camera 1\0")),
        *((274, SHORT, (orientation,)), (306, TEXT, b"2024:06:12 10:20:30\0")),
        *((330, LONG, (put(sensor), put(shown))), (50706, BYTE, b"\1\4\0\0")),
        (50708, TEXT, b"Tests Camera 1\0"),
    )
    start = put(first)
    return struct.pack("<2sHI", b"II", 42, start) + b"".join(placed)
