"""Which files are photos: the endings of their names, how they begin, and how large they may be."""

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".gif", ".tif", ".tiff", ".bmp")
)
PICTURE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"BM")
MAX_BYTES = 2**30  # of a file: the largest photos that can be decoded, as they come from cameras
