"""Crops to learn from: of the object, of the background, and as a second look will see it."""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from PIL import Image

from tvcli.core.boxes import Box, area, clip, enlarge, in_record, iou, overlap
from tvcli.core.errors import UsageError
from tvcli.core.files.formats import BoxedPhoto
from tvcli.core.files.paths import shown_path
from tvcli.core.files.records import Record
from tvcli.core.images.own_pictures import picture_name, save_picture
from tvcli.core.images.photo import BadImage, decode_photo, read_photo, view
from tvcli.core.location.false_alarms import NONE, FalseAlarms
from tvcli.core.reports import Report

Target = Literal["target", "background", "look"]
Object = tuple[Box, str]  # and its label

HALF = 0.5
TRIES = 60  # windows drawn for each crop wanted
SMALL_KEPT = 0.9  # of an object's area inside a crop that shows it small
LOOKS_IN_ALL = 4000
LOOKS_EACH = (4, 24)  # at least, at most
WHOLE_EVERY = 12  # one look in so many is the whole photo
CLEARLY = 1.5  # times the IoU of the next object: a look is about the one that fills it
LARGE = 0.5  # of the photo's short side: objects that need no enlarging
MOST_ENLARGED = 4.0  # times: of objects smaller than an eighth there is little to see
LEAST_ELSEWHERE = 0.35  # of the photo's side: a look at a photo without an object
LOOKS_A_FALSE_ALARM = 4


@dataclass(frozen=True, slots=True)
class CropSettings:
    """How crops are drawn.

    Photos are scaled so that their short side is a scale times the crops' size, and crops are
    squares there; `scales` None: by the size of the objects, see `scales_for`. `per_photo` of each
    of target and background; `looks` None: as many as make some thousands. `extend` lengthens boxes
    by fractions of their height, up and down.
    """

    per_photo: int = 5
    looks: int | None = None
    scales: tuple[float, ...] | None = None
    extend: tuple[float, float] = (0.0, 0.0)
    test: float = 0.05
    seed: int = 0


class Photos(Protocol):
    """Photos with their boxes, which can be counted, and read more than once."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[BoxedPhoto]: ...


def sample_crops(
    photos: Photos, settings: CropSettings, false_alarms: FalseAlarms = NONE
) -> Iterator[Record]:
    """Yield crop records, photo by photo; each photo's depend on its name and the seed alone.

    A target crop lies at least half inside an object's (extended) box; a background crop at least
    half outside of all. An object too small to fill half a crop at any scale gets crops that hold
    at least nine tenths of it instead, and no background crop holds as much of any object. Looks
    are rectangles around an object at many zooms and offsets, for the boxes' nets. Looks without a
    box are rectangles of photos without an object, and of what `false_alarms` tells of any photo:
    from them the classifier learns what is not the object, seen as closely. The split is by photo,
    from its record, else drawn by a hash of its name: it stays when photos are added.
    (Target and background: TiefVision, 2016; looks: iterated localisation, Gidaris and Komodakis,
    "Object detection via a multi-region CNN", 2015, section 4.)
    """
    looks = settings.looks if settings.looks is not None else looks_for(len(photos))
    scales = settings.scales or scales_for(median_size(photos))
    split_of = splitter(((p.image, p.split) for p in photos), settings.test, settings.seed)
    for photo in photos:
        rng = np.random.default_rng(_seed_of(photo.image, settings.seed))
        split = split_of(photo.image, photo.split)
        objects = [(_extended(box, photo, settings.extend), text) for box, text in photo.objects]
        objects = in_turn(objects, np.random.default_rng(_seed_of(photo.image, settings.seed + 1)))
        yield from _windows(photo, objects, settings.per_photo, scales, split, rng)
        for number in range(looks):
            if not objects:
                crop = _elsewhere(photo.width, photo.height, number, rng)
                yield _record(photo, crop, "look", split)
                continue
            crop, (box, label) = _look_at_one(objects, photo, number, rng)
            yield _record(photo, crop, "look", split, box, label)
        for alarm in false_alarms.of(photo):
            for _ in range(LOOKS_A_FALSE_ALARM):
                crop = _close(alarm, photo.width, photo.height, rng)
                yield _record(photo, crop, "look", split)


def median_size(photos: Iterable[BoxedPhoto]) -> float:
    """Return the median side of objects, as a share of their photos' short sides; 1 of none."""
    sizes = [
        math.sqrt(area(box)) / min(photo.width, photo.height)
        for photo in photos
        for box, _ in photo.objects
    ]
    return float(np.median(sizes)) if sizes else 1.0


def scales_for(size: float) -> tuple[float, ...]:
    """Return the scales of crops for objects of a median size (see `median_size`).

    Objects of half the photo's short side or more are cut at 1, 2 and 3; of smaller ones photos are
    enlarged until they are as large in the crops: else these hold several each, and background
    crops are nowhere to be found.
    """
    larger = min(max(1.0, LARGE / max(size, 1e-9)), MOST_ENLARGED)
    return larger, 2 * larger, 3 * larger


def in_turn(objects: list[Object], rng: np.random.Generator) -> list[Object]:
    """Return the objects of a photo in an order in which each label takes its turn.

    One round has an object of each label, drawn anew where a label has fewer than another.
    """
    labels = list(dict.fromkeys(label for _, label in objects))
    if len(objects) < 2:
        return objects
    of = [[each for each in objects if each[1] == label] for label in labels]
    rounds = max(map(len, of))
    drawn = [[own[n] for n in _shuffled(len(own), rounds, rng)] for own in of]
    return [own[number] for number in range(rounds) for own in drawn]


def _shuffled(count: int, wanted: int, rng: np.random.Generator) -> list[int]:
    """Return so many of the numbers below `count`, in rounds of all of them, each shuffled."""
    rounds = -(-wanted // count)
    return [int(n) for _ in range(rounds) for n in rng.permutation(count)][:wanted]


def _look_at_one(
    objects: list[Object], photo: BoxedPhoto, number: int, rng: np.random.Generator
) -> tuple[Box, Object]:
    """Return a look, and the object that it is about: of those in it, the one that fills it most.

    What is nearly as large in it leaves open which is meant; such looks are drawn again. The whole
    photo is looked at in any case.
    """
    wanted, different = objects[number % len(objects)], set(objects)
    width, height = photo.width, photo.height
    crop = draw_look(wanted[0], width, height, number, rng)
    for again in range(TRIES):
        if len(different) == 1 or number % WHOLE_EVERY == 0 or _is_clear(crop, different):
            break
        draw = _loose if number % 2 and again < TRIES // 2 else _close
        crop = draw(wanted[0], width, height, rng)
    return crop, max(different, key=lambda found: (iou(crop, found[0]), found))


def _is_clear(crop: Box, objects: Iterable[Object]) -> bool:
    """Tell whether one of several objects fills a look clearly more than any other."""
    first, second = sorted((iou(crop, box) for box, _ in objects), reverse=True)[:2]
    return first > CLEARLY * second


def looks_for(photos: int) -> int:
    """Return how many looks each photo gets by default: some thousands in all."""
    least, most = LOOKS_EACH
    return max(least, min(most, LOOKS_IN_ALL // max(1, photos)))


def splitter(
    photos: Iterable[tuple[str, str]], test: float, seed: int
) -> Callable[[str, str], str]:
    """Return what says "train" or "test" of an (image, split known or "") of some photos.

    Where none of them would be test, the lowest in rank is. Nothing is kept of the others.
    """

    def split(image: str, known: str) -> str:
        return known or ("test" if _seed_of(image, seed) / 2**64 < test else "train")

    count, lowest, any_test = 0, (math.inf, ""), False
    for count, (image, known) in enumerate(photos, 1):  # noqa: B007
        lowest = min(lowest, (_seed_of(image, seed), image))
        any_test = any_test or split(image, known) == "test"
    if test > 0 and count > 1 and not any_test:
        return lambda image, known: "test" if image == lowest[1] else split(image, known)
    return split


def draw_look(box: Box, width: float, height: float, number: int, rng: np.random.Generator) -> Box:
    """Return a rectangle of a photo around a box, as an estimate of the box would choose it.

    One in `WHOLE_EVERY` is the whole photo, half of the rest are loose (the object a fifth to nine
    tenths of the side), half close (an estimate off by up to a fifth of a side, with a margin).
    """
    if number % WHOLE_EVERY == 0:
        return 0.0, 0.0, width, height
    draw = _loose if number % 2 else _close
    return draw(box, width, height, rng)


def _loose(box: Box, width: float, height: float, rng: np.random.Generator) -> Box:
    part = math.exp(rng.uniform(math.log(0.2), math.log(0.9)))
    side, shape = math.sqrt(area(box)) / part, math.exp(rng.uniform(-0.5, 0.5))
    across, down = min(side * shape**0.5, width), min(side / shape**0.5, height)
    x = (box[0] + box[2]) / 2 + rng.uniform(-0.4, 0.4) * across
    y = (box[1] + box[3]) / 2 + rng.uniform(-0.4, 0.4) * down
    x = min(max(x, across / 2), width - across / 2)
    y = min(max(y, down / 2), height - down / 2)
    crop = x - across / 2, y - down / 2, x + across / 2, y + down / 2
    return clip(crop, width, height) or (0.0, 0.0, width, height)


def _close(box: Box, width: float, height: float, rng: np.random.Generator) -> Box:
    across, down = box[2] - box[0], box[3] - box[1]
    off = rng.normal(0, rng.uniform(0.03, 0.2), 4).clip(-0.35, 0.35)
    x0, y0 = box[0] + off[0] * across, box[1] + off[1] * down
    x1, y1 = box[2] + off[2] * across, box[3] + off[3] * down
    margin = math.exp(rng.uniform(math.log(1.2), math.log(1.7)))
    return enlarge((x0, y0, x1, y1), margin, width, height)


def _elsewhere(width: float, height: float, number: int, rng: np.random.Generator) -> Box:
    """Return a rectangle of a photo that has no object; one in `WHOLE_EVERY` is the whole photo."""
    if number % WHOLE_EVERY == 0:
        return 0.0, 0.0, width, height
    part = math.exp(rng.uniform(math.log(LEAST_ELSEWHERE), 0.0))
    side, shape = part * math.sqrt(width * height), math.exp(rng.uniform(-0.5, 0.5))
    across, down = min(side * shape**0.5, width), min(side / shape**0.5, height)
    x, y = rng.uniform(0, width - across), rng.uniform(0, height - down)
    return x, y, x + across, y + down


def _windows(
    photo: BoxedPhoto,
    objects: list[tuple[Box, str]],
    per_photo: int,
    scales: tuple[float, ...],
    split: str,
    rng: np.random.Generator,
) -> Iterator[Record]:
    """Yield the target and background crops of a photo."""
    boxes = [box for box, _ in objects]
    for number in range(per_photo):
        scale = scales[number % len(scales)]
        if objects:
            box, label = objects[number % len(objects)]
            crop = _target(box, photo, scales, scale, rng)
            yield _record(photo, crop, "target", split, box, label)
        background = _background(boxes, photo, scales, scale, rng)
        if background is not None:
            yield _record(photo, background, "background", split)


def _target(
    box: Box, photo: BoxedPhoto, scales: tuple[float, ...], scale: float, rng: np.random.Generator
) -> Box:
    """Return a window at least half inside a box, or one that shows most of a small object."""
    sides = [_side(photo, s) for s in (scale, *sorted(scales))]
    for side in sides:
        for _ in range(TRIES):
            window = _near(box, side, photo, rng)
            if is_target(window, [box]):
                return window
    side = sides[-1]
    x, y = (box[0] + box[2] - side) / 2, (box[1] + box[3] - side) / 2
    x, y = min(max(x, 0.0), photo.width - side), min(max(y, 0.0), photo.height - side)
    return x, y, x + side, y + side


def is_target(window: Box, boxes: list[Box]) -> bool:
    """Tell whether a crop shows an object: half of the crop lies in a box, or it holds a small one.

    An object smaller than half the crop counts when nine tenths of it are inside.
    """
    return any(
        overlap(window, box) >= HALF * area(window)
        or (area(box) < HALF * area(window) and overlap(window, box) >= SMALL_KEPT * area(box))
        for box in boxes
    )


def _background(
    boxes: list[Box],
    photo: BoxedPhoto,
    scales: tuple[float, ...],
    scale: float,
    rng: np.random.Generator,
) -> Box | None:
    sides = [_side(photo, s) for s in (scale, *sorted(scales))]
    for side in sides:
        for _ in range(TRIES):
            x, y = rng.uniform(0, photo.width - side), rng.uniform(0, photo.height - side)
            window = x, y, x + side, y + side
            if not is_target(window, boxes) and not _mostly_inside(window, boxes):
                return window
    return None


def _mostly_inside(window: Box, boxes: list[Box]) -> bool:
    return any(overlap(window, box) > HALF * area(window) for box in boxes)


def _near(box: Box, side: float, photo: BoxedPhoto, rng: np.random.Generator) -> Box:
    """Return a window of a side that meets a box, drawn evenly."""
    x = rng.uniform(max(0.0, box[0] - side / 2), max(0.0, min(photo.width, box[2]) - side / 2))
    y = rng.uniform(max(0.0, box[1] - side / 2), max(0.0, min(photo.height, box[3]) - side / 2))
    x, y = min(x, photo.width - side), min(y, photo.height - side)
    return x, y, x + side, y + side


def _side(photo: BoxedPhoto, scale: float) -> float:
    """Return the side, in pixels of the photo, of a square crop at a scale."""
    return min(photo.width, photo.height) / scale


def _extended(box: Box, photo: BoxedPhoto, extend: tuple[float, float]) -> Box:
    height = box[3] - box[1]
    longer = box[0], box[1] - extend[0] * height, box[2], box[3] + extend[1] * height
    return clip(longer, photo.width, photo.height) or box


def _record(
    photo: BoxedPhoto,
    crop: Box,
    target: Target,
    split: str,
    box: Box | None = None,
    label: str = "",
) -> Record:
    record: Record = {"image": photo.image, "width": photo.width, "height": photo.height}
    record["crop"] = in_record(crop)
    if box is not None:
        record |= {"box": in_record(box), "label": label}
    return record | {"split": split, "target": target}


def _seed_of(image: str, seed: int) -> int:
    content = hashlib.blake2b(f"{seed}:{image}".encode("utf-8", "surrogateescape"), digest_size=8)
    return int.from_bytes(content.digest(), "big")


def parse_numbers(
    option: str, text: str, *, least: float = 0.0, count: int | None = None
) -> tuple[Any, ...]:
    """Return numbers written as `1,2,3`.

    Raises:
        UsageError: not numbers, not as many as needed, or one below the least.
    """
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    good = all(math.isfinite(number) and number >= least for number in numbers)
    if not numbers or not good or (count is not None and len(numbers) != count):
        what = f"{count} numbers" if count else "numbers"
        raise UsageError(f"{option} {text}: {what} of at least {least:g}, separated by commas")
    return numbers


def saved(
    records: Iterable[Record], base: Path, folder: Path, size: int, report: Report
) -> Iterator[Record]:
    """Yield crop records after writing each crop as a picture of `size` x `size` into a folder.

    Names are the photo's, the number of the crop and what it is for. Photos lie under `base`.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for image, group in groupby(records, key=lambda record: record["image"]):
        items = list(group)
        yield from items
        try:
            photo = decode_photo(read_photo(base / image))
        except BadImage as error:
            report.skip(shown_path(base, image), "crop", str(error))
            continue
        for number, record in enumerate(items, 1):
            pixels = view(photo, tuple(record["crop"]), size, "squash")
            name = picture_name(Path(image).stem, f"-{number:03}-{record['target']}.jpg")
            save_picture(Image.fromarray(pixels), folder / name)
