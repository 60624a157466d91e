"""Photos: from bytes to upright RGB, and from there to what a network sees."""

import hashlib
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from tvcli.core.boxes import Box, clip
from tvcli.core.errors import BadInput
from tvcli.core.files.paths import said_of_folder
from tvcli.core.files.photo_formats import MAX_BYTES
from tvcli.core.images.adobe_rgb import adobe_rgb_profile, is_adobe_rgb
from tvcli.core.images.colour import Colour, to_rgb, white_of
from tvcli.core.images.cut_jpegs import completed
from tvcli.core.images.deep_colours import is_deep, with_full_range
from tvcli.core.images.known_pictures import NotInstalled, open_picture
from tvcli.core.images.libtiff_messages import libtiff_messages
from tvcli.core.images.raw import ORIENTATION, QUARTER_TURNS, SMALL, NoPreview

Pixels = npt.NDArray[np.uint8]
Fit = Literal["squash", "pad", "crop"]

MAX_PIXELS = 178_956_970  # Pillow's limit, 512 MiB as RGB: more is a decompression bomb
LARGE = 48_000_000  # pixels that are decoded; of more, one photo at a time: some take 13 bytes each
PAD_COLOUR = (124, 116, 104)  # the mean of ImageNet: zero after normalisation
JPEG = b"\xff\xd8\xff"
SCALABLE = ("JPEG", "MPO")  # formats that can be decoded at a part of their size
LEAST_LEFT = 8  # pixels a side of a box that sticks out; fewer have a colour, and no picture
DRAFT_MARGIN = 2.0  # a scaled JPEG keeps at least this many times the pixels asked for, per side

_large = threading.RLock()


class BadImage(BadInput):
    """A photo that cannot be used; the message is the reason alone, without the path."""


@dataclass(frozen=True, slots=True)
class Photo:
    """An upright RGB photo. `width` and `height` are those displayed; pixels may be fewer.

    `note` says what is amiss with a photo that is of use all the same.
    """

    image: Image.Image
    width: int
    height: int
    note: str = ""

    @property
    def whole(self) -> Box:
        """The box around all of the photo."""
        return 0.0, 0.0, float(self.width), float(self.height)

    def is_fine_enough(self, crop: Box | None, size: int) -> bool:
        """Tell whether a crop (None: all) has the pixels that decoding it for `size` would keep."""
        x0, y0, x1, y1 = crop or self.whole
        scale = self.image.width / self.width
        return scale >= 1 or min(x1 - x0, y1 - y0) * scale >= DRAFT_MARGIN * size


def read_photo(path: Path) -> bytes:
    """Return the bytes of a photo.

    Raises:
        BadImage: missing, empty, unreadable, larger than `MAX_BYTES`, or not a regular file (a
            pipe would hang).
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise BadImage(f"{said_of_folder(path)}, not a photo")
        if not stat.S_ISREG(status.st_mode):
            raise BadImage("not a regular file")
        if status.st_size > MAX_BYTES:
            raise BadImage(f"larger than {MAX_BYTES >> 20} MiB")
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadImage("dangling link" if path.is_symlink() else "not found") from None
    except OSError as error:
        raise BadImage(f"cannot be read: {error.strerror}") from error
    if not data:
        raise BadImage("empty file")
    return data


def digest(data: bytes) -> str:
    """Return the content hash of a file: 32 hexadecimal digits of BLAKE2b."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def decode_photo(
    data: bytes,
    *,
    size: int | None = None,
    crops: Sequence[Box] = (),
    colour: Colour = "managed",
) -> Photo:
    """Decode a photo: first frame, EXIF orientation applied, transparency on white, 8-bit RGB.

    With `size` a JPEG may be decoded at 1/2, 1/4 or 1/8 scale, as long as every crop (none: the
    whole photo) keeps `DRAFT_MARGIN` times `size` pixels per side. A JPEG that lacks only its end
    marker, or its last rows, is used, with a note. Of camera RAW it is the preview. `colour` says
    how colours become sRGB.

    Raises:
        BadImage: not a picture, truncated, or larger than `MAX_PIXELS`.
    """
    said: list[str] = []
    try:
        with libtiff_messages() as said:
            return _decoded(data, size, crops, colour)
    except Image.DecompressionBombError:
        raise BadImage(f"more than {MAX_PIXELS // 10**6} million pixels") from None
    except (NotInstalled, NoPreview) as error:
        raise BadImage(str(error)) from None
    except UnidentifiedImageError:
        raise BadImage("not a picture that can be read") from None
    except Exception as error:  # decoders raise nearly anything on broken files
        photo = _cut(data, size, crops, colour) if data.startswith(JPEG) else None
        if photo is not None:
            return photo
        raise BadImage(f"cannot be decoded: {said[0] if said else _reason(error)}") from error


def _decoded(data: bytes, size: int | None, crops: Sequence[Box], colour: Colour) -> Photo:
    with open_picture(data) as image, _alone_if_large(image, scaled=size is not None):
        deep = is_deep(image)  # first: of a PNG, to look for EXIF is to load it
        width, height = _displayed_size(image)
        if size is not None:
            _draft(image, size, [part for crop in crops if (part := clip(crop, width, height))])
        with _alone_if_large(image):
            pixels, note = _pixels(image, data, colour, deep=deep)
        if image.format == "RAW" and max(width, height) < SMALL:
            note = f"its preview has only {width}x{height} pixels"
        return Photo(pixels, width, height, note)


@contextmanager
def _alone_if_large(image: Image.Image, *, scaled: bool = False) -> Iterator[None]:
    """Wait until no other large photo is decoded, if this is one; JPEGs may be `scaled` first.

    A few kilobytes can stand for gigabytes: as many times as there are cores is too many.
    """
    waits = image.width * image.height > LARGE and not (scaled and image.format in SCALABLE)
    with _large if waits else nullcontext():
        yield


def _pixels(
    image: Image.Image, data: bytes, colour: Colour, *, deep: bool
) -> tuple[Image.Image, str]:
    """Return an opened picture as upright RGB of 8 bits, and a note on its range, if any."""
    tags = getattr(image, "tag_v2", {})
    if colour == "stored":
        return to_rgb(ImageOps.exif_transpose(image), colour, tags)
    adobe = "icc_profile" not in image.info and is_adobe_rgb(image)
    upright, note = ImageOps.exif_transpose(image), ""
    if deep:
        with open_picture(data) as again:
            upright, note = with_full_range(upright, again, tags, white_of)
    if adobe:
        upright.info["icc_profile"] = adobe_rgb_profile()
    pixels, more = to_rgb(upright, colour, tags)
    return pixels, note or more


def _cut(data: bytes, size: int | None, crops: Sequence[Box], colour: Colour) -> Photo | None:
    """Return a JPEG that lacks only its end, or None."""
    try:
        found = completed(data)
        if found is None:
            return None
        ended, missing = found
        what = f"last {missing} rows are missing" if missing else "end marker is missing"
        return replace(_decoded(ended, size, crops, colour), note=f"its {what}")
    except Exception:  # broken in another way
        return None


def photo_size(data: bytes) -> tuple[int, int]:
    """Return the width and height of a photo as displayed, in pixels, from its header alone.

    Raises:
        BadImage: not a picture.
    """
    with _header(data) as image:
        return _displayed_size(image)


def photo_format(data: bytes) -> str:
    """Return the format of a photo, such as JPEG or PNG, whatever its file is named.

    Raises:
        BadImage: not a picture.
    """
    with _header(data) as image:
        return image.format or ""


@contextmanager
def _header(data: bytes) -> Iterator[Image.Image]:
    try:
        with open_picture(data) as image:
            yield image
    except (NotInstalled, NoPreview) as error:
        raise BadImage(str(error)) from None
    except Exception as error:  # decoders raise nearly anything on broken files
        raise BadImage("not a picture that can be read") from error


def view(photo: Photo, crop: Box | None, size: int, fit: Fit, *, flip: bool = False) -> Pixels:
    """Return a region of a photo as the network sees it: (size, size, 3) uint8.

    `squash` stretches the region to the square, `crop` takes its central square, `pad` fits it
    whole into the square, on the mean colour.

    Raises:
        BadImage: the crop lies outside the photo.
    """
    box = photo.whole if crop is None else clip(crop, photo.width, photo.height)
    if box is None:
        raise BadImage(f"box {[round(side) for side in crop or ()]} lies outside the photo")
    if fit == "pad":
        picture = _padded(photo, box, size)
    else:
        picture = resize_region(photo, _central_square(box) if fit == "crop" else box, (size, size))
    return np.asarray(ImageOps.mirror(picture) if flip else picture)


def inside(photo: Photo, crop: Box) -> Box:
    """Return the part of a crop that lies in a photo.

    Raises:
        BadImage: nothing does, or of a crop that sticks out less than `LEAST_LEFT` pixels a side.
    """
    box = clip(crop, photo.width, photo.height)
    if box is None:
        raise BadImage(f"box {[round(side) for side in crop]} lies outside the photo")
    least = min(LEAST_LEFT, photo.width, photo.height)
    across, down = box[2] - box[0], box[3] - box[1]
    if box != crop and min(across, down) < least:
        raise BadImage(
            f"box {[round(side) for side in crop]} lies outside the photo but for {across:g}x"
            f"{down:g} pixels; at least {least}x{least} must be in it"
        )
    return box


def resize_photo(photo: Photo, width: int, height: int) -> Pixels:
    """Return the whole photo as (height, width, 3) uint8."""
    return np.asarray(resize_region(photo, photo.whole, (width, height)))


def thumbnail(photo: Photo, size: int, crop: Box | None = None) -> Image.Image:
    """Return the photo, or a crop of it, with its long side at most `size` pixels."""
    x0, y0, x1, y1 = (crop and clip(crop, photo.width, photo.height)) or photo.whole
    scale = min(1.0, size / max(x1 - x0, y1 - y0))
    sides = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
    return resize_region(photo, (x0, y0, x1, y1), sides)


def resize_region(
    photo: Photo, box: Box, size: tuple[int, int], gap: float | None = None
) -> Image.Image:
    """Return a region that lies inside the photo at (width, height), smaller or larger.

    What is to be made much smaller may be halved, or the like, to `gap` times the size before,
    which takes half of the time; from 3 on nobody sees the difference.
    """
    across, down = photo.image.width / photo.width, photo.image.height / photo.height
    source = box[0] * across, box[1] * down, box[2] * across, box[3] * down
    return photo.image.resize(size, Image.Resampling.BILINEAR, box=source, reducing_gap=gap)


def _central_square(box: Box) -> Box:
    x0, y0, x1, y1 = box
    side = min(x1 - x0, y1 - y0)
    left, top = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
    return left, top, left + side, top + side


def _padded(photo: Photo, box: Box, size: int) -> Image.Image:
    width, height = box[2] - box[0], box[3] - box[1]
    scale = size / max(width, height)
    inner = max(1, round(width * scale)), max(1, round(height * scale))
    canvas = Image.new("RGB", (size, size), PAD_COLOUR)
    canvas.paste(resize_region(photo, box, inner), ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return canvas


def _draft(image: Image.Image, size: int, crops: Sequence[Box]) -> None:
    """Let the JPEG decoder scale by a power of two where the result stays large enough."""
    sides = [side for x0, y0, x1, y1 in crops for side in (x1 - x0, y1 - y0)]
    smallest = min(sides, default=min(image.size))
    scale = size * DRAFT_MARGIN / max(smallest, 1e-6)
    if scale < 1:
        image.draft(None, (round(image.width * scale), round(image.height * scale)))


def _displayed_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height that a picture, not yet loaded, has once it is upright."""
    width, height = image.size
    tags = getattr(image, "tag_v2", {})  # of a TIFF, whose own tag Pillow has applied to its size
    turned = ORIENTATION not in tags and image.getexif().get(ORIENTATION) in QUARTER_TURNS
    return (height, width) if turned else (width, height)


def _reason(error: Exception) -> str:
    text = str(error).split(" (")[0].strip() or type(error).__name__
    return "truncated" if "truncated" in text else text.splitlines()[0]
