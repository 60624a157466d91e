"""Which files are photos: the endings of their names, how they begin, and how large they may be."""

import re
from importlib.util import find_spec

from tvcli.core.reports import READ_BY

# What reads the rarer formats, by its module, and the endings of what they read.
PLUGINS = {
    "pillow_heif": READ_BY["pillow-heif"],
    "pillow_jxl": READ_BY["'tvcli[jxl]'"],
    "rawpy": READ_BY["'tvcli[raw]'"],
}
SUFFIXES = frozenset(
    (
        *(suffix for name, endings in PLUGINS.items() if find_spec(name) for suffix in endings),
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        *(".png", ".webp", ".avif", ".gif", ".tif", ".tiff", ".bmp"),
    )
)
# Pictures that are not looked for in folders: who has some wants to know that they were left out.
OTHER_SUFFIXES = frozenset(
    (
        *(suffix for endings in READ_BY.values() for suffix in endings),
        *(".jp2", ".j2k", ".jpf", ".jpx", ".tga", ".psd", ".psb", ".svg", ".ico", ".exr", ".hdr"),
        *(".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".dds", ".pcx", ".xcf"),
    )
)
# How pictures begin, those too that cannot be read: so that none is taken for a list of paths.
PICTURE_START = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r|GIF8[79]a|RIFF....WEBP|II[*+]\0|MM\0[*+]|BM....\0\0\0\0|\0...ftyp|"
    rb"P[1-7fF]\s+[\d#-]|\0\0\0\x0c(jP|JXL) |\xff\x4f\xff\x51|\xff\x0a|8BPS\0|qoif|DDS \x7c\0|"
    rb"\x76\x2f\x31\x01|\0\0[\1\2]\0|IIR[OS]|MMOR|IIU\0|FUJIFILMCCD|(II|MM)....HEAPCCDR|\0MRM|FOVb|"
    rb"gimp xcf |#\?RADIANCE\n|%!PS-|%PDF-\d|(<\?xml.{,400}?)?<svg[\s>]",
    re.DOTALL,
)
MAX_BYTES = 2**30  # of a file: the largest photos that can be decoded, as they come from cameras
