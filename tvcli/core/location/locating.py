"""Locating in many photos: detections in order, each photo opened once, every core busy."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

from PIL import Image

from tvcli.core.backbones.specs import Device, Network, Runtime
from tvcli.core.blocks import blocks_of
from tvcli.core.boxes import Box, in_record
from tvcli.core.encoding.encode import keep_freed_memory, one_thread_each, prepare
from tvcli.core.encoding.encoder import Encoder, encoder_of
from tvcli.core.errors import BadInput
from tvcli.core.files.fields import as_json, merged
from tvcli.core.files.formats.annotation import one_line
from tvcli.core.files.records import Record, Region
from tvcli.core.files.sources import Source
from tvcli.core.heads import HeadFile, check_encoder, load_head
from tvcli.core.images.own_pictures import picture_name, save_picture
from tvcli.core.images.photo import (
    BadImage,
    Photo,
    decode_photo,
    digest,
    read_photo,
    thumbnail,
)
from tvcli.core.location.head_graphs import GraphHeads
from tvcli.core.location.judging import judge_of
from tvcli.core.location.locate import Located, LocateSettings, Locator
from tvcli.core.location.views import Heads
from tvcli.core.parallel import cores, in_order
from tvcli.core.reports import Report, nothing_found, number_of

BARELY = 0.2  # of the way from the threshold to certainty
TOGETHER = 8  # photos looked at together: few, so that the first come soon
MOST_PIXELS = 2**24  # of photos open at once on a core
DETAIL = 2  # windows a side: a large JPEG is decoded to twice as many pixels, or all
DRAWN = 800  # pixels: the long side of a photo with its boxes drawn in
COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4")


@dataclass(frozen=True, slots=True)
class Pictures:
    """Where to write pictures of what was found: each object cut out, each photo with its boxes."""

    crops: Path | None = None
    drawn: Path | None = None

    @property
    def any(self) -> bool:
        """Whether there are any to write."""
        return self.crops is not None or self.drawn is not None


@dataclass(slots=True)
class _Seen:
    region: Region
    width: int = 0
    height: int = 0
    objects: list[Located] = field(default_factory=list)
    reason: str = ""
    digest: str = ""
    regions: list[Region] = field(default_factory=list)
    is_part: bool = False  # of a photo, named as such: nothing is looked for in it


@dataclass(frozen=True, slots=True)
class _Work:
    """Photos lie under `root`; what is found in them is prepared for an `encoder`, if any.

    Parts of photos are as good as the photos, or with `keeps_parts` stay as they are.
    """

    root: Path
    locator: Locator
    pictures: Pictures
    encoder: Encoder | None = None
    keeps_parts: bool = False


def load_locator(
    classifier: Path,
    boxes: Path,
    settings: LocateSettings | None = None,
    *,
    weights: Path | None = None,
    device: Device = "auto",
    runtime: Runtime = "auto",
    network: Network | None = None,
) -> Locator:
    """Return a locator of two heads, with the encoder that they were trained with.

    On a CPU neither loads torch where there is a graph of the encoder: mini's own, the one that
    `network` runs, which has been loaded for another encoder of the backbone, or one in the cache.

    Raises:
        BadInput: a head cannot be used, or the backbone's weights are not there.
        Mismatch: the heads were trained on different encodings.
    """
    first, second = load_head(classifier, "classifier"), load_head(boxes, "boxes")
    spec = second.settings["encoder"]
    check_encoder(first, spec, classifier)
    if first.settings["window"] != second.settings["window"]:
        raise BadInput(f"{classifier}: trained on crops of another size than {boxes}")
    make = partial(
        encoder_of, spec, second.settings["weights_file"], weights=weights, device=device
    )
    encoder = make(runtime=runtime, network=network)
    if encoder.network.stride is None:  # a graph that takes squares only cannot slide
        encoder = make(runtime="torch")
    judge = judge_of(first, classifier)
    heads = _heads(encoder, (classifier, boxes), (first, second))
    return Locator(encoder, heads, settings, judge)


def _heads(encoder: Encoder, files: tuple[Path, Path], loaded: tuple[HeadFile, HeadFile]) -> Heads:
    """Return both heads, run by what runs the backbone whose maps they get."""
    if encoder.network.runtime != "torch":
        return GraphHeads(*files, loaded)
    from tvcli.core.location.location_heads import TorchHeads

    return TorchHeads(*files, encoder.backbone.device)


def locate_photos(
    source: Source,
    locator: Locator,
    base: Path,
    report: Report,
    *,
    pictures: Pictures | None = None,
    keep_empty: bool = False,
) -> Iterator[Record]:
    """Yield a detection for every object found, photo by photo; paths become relative to `base`.

    A photo in which nothing is found is noted, and with `keep_empty` gives a record without a box.

    Raises:
        BadInput: not one photo could be used.
        OSError: a folder of pictures cannot be written.
    """
    wanted = pictures or Pictures()
    for folder in filter(None, (wanted.crops, wanted.drawn)):
        folder.mkdir(parents=True, exist_ok=True)
    settings = locator.settings
    threshold_given = settings.threshold is not None or bool(settings.label_thresholds)
    if locator.weakness:
        more = "" if threshold_given else ", or raise --threshold"
        report.note(
            f"warning: the classifier is weak: {locator.weakness}; expect boxes that are wrong: "
            f"annotate more photos{more}"
        )
    report.start("locating", "photos")
    with_objects = unsure = 0
    work = _Work(source.root, locator, wanted)
    for seen in _told(_see_all(_once(source.regions), work), source, report):
        report.advance()
        about = _record_of(seen, source, base)
        if keep_empty and not seen.objects:
            yield about
        for found in seen.objects:
            yield about | _detection(found)
        with_objects += bool(seen.objects)
        unsure += not threshold_given and _is_unsure(seen.objects, locator.threshold)
    if not threshold_given and unsure > with_objects / 2:
        report.note(
            f"warning: {unsure} of {with_objects} photos score barely above the threshold "
            f"of {locator.threshold:.2f}: look at them with --draw, or raise --threshold"
        )
    if report.done == 0 and not source.share:
        raise nothing_found(report, source.arguments)
    if source.share:
        made = {"located": locator.record, "keep_empty": keep_empty}
        yield {"shard": source.share.note() | made}


def _record_of(seen: _Seen, source: Source, base: Path) -> Record:
    """Return what a record says of a photo, whatever is found in it."""
    region, image = seen.region, seen.region.image
    if region.data is None:  # it lies in a file
        image = os.path.relpath(source.root / image, base)
    about: Record = {"image": image, "width": seen.width, "height": seen.height}
    about |= as_json(merged({}, region.fields))
    return about | ({"position": region.position} if source.share else {})


def _detection(found: Located) -> Record:
    record: Record = {
        "box": in_record(found.box),
        "label": found.label,
        "score": round(found.score, 4),
    }
    if found.label_score is not None:
        record["label_score"] = round(found.label_score, 4)
    return record


def _is_unsure(objects: list[Located], threshold: float) -> bool:
    """Tell whether the surest object of a photo is hardly surer than it must be."""
    best = max((found.score for found in objects), default=1.0)
    return best < threshold + BARELY * (1 - threshold)


def located_regions(
    source: Source, locator: Locator, report: Report, encoder: Encoder
) -> Iterator[Region]:
    """Yield the objects of a source's photos; parts of photos named as such stay as they are.

    A photo in which nothing is found is noted, and stays whole. What is found is prepared for the
    encoder while the photo is open, where it has been decoded finely enough for that.
    """
    same_colours = encoder.settings.colour == locator.encoder.settings.colour
    preparing = encoder if same_colours else None
    work = _Work(source.root, locator, Pictures(), preparing, keeps_parts=True)
    for seen in _told(_see_all(source.regions, work), source, report, "; taken as a whole"):
        yield from seen.regions


def _told(
    every: Iterable[_Seen], source: Source, report: Report, instead: str = ""
) -> Iterator[_Seen]:
    """Yield what can be read; what cannot is skipped, and photos without an object are noted."""
    empty = photos = 0
    for seen in every:
        name = source.named(seen.region)
        if seen.reason:
            report.skip(name, "locate", seen.reason)
            continue
        photos += not seen.is_part
        if not (seen.objects or seen.is_part):
            empty += 1
            report.remark(f"{name}: no object found{instead}")
        yield seen
    if empty > 1:
        report.note(f"no object found in {empty} of {number_of(photos, 'photo')}{instead}")


def _once(regions: Iterable[Region]) -> Iterator[Region]:
    """Yield one region a photo: records of boxes name a photo once for every box."""
    seen: set[int] = set()  # 64-bit hashes: names of a million photos would take twice the room
    for region in regions:
        name = hash(region.image)
        if name not in seen:
            seen.add(name)
            yield region


def _see_all(regions: Iterable[Region], work: _Work) -> Iterator[_Seen]:
    blocks = blocks_of(regions, TOGETHER)

    def see(block: list[Region]) -> list[_Seen]:
        return list(_see(block, work))

    network = work.locator.encoder.network
    if not network.on_cpu:
        yield from chain.from_iterable(map(see, blocks))
        return
    keep_freed_memory()
    alone = one_thread_each() if network.runtime == "torch" else nullcontext()
    with alone, ThreadPoolExecutor(cores()) as pool:
        yield from chain.from_iterable(in_order(pool, see, blocks))


def _see(regions: list[Region], work: _Work) -> Iterator[_Seen]:
    """Yield what is in some photos, of which no more are open at once than fit the memory."""
    opened: list[tuple[_Seen, Photo | None]] = []
    pixels = 0
    for region in regions:
        if work.keeps_parts and region.crop is not None:
            opened.append((_Seen(region, regions=[region], is_part=True), None))
            continue
        seen, photo = _open(region, work)
        opened.append((seen, photo))
        pixels += photo.image.width * photo.image.height if photo else 0
        if pixels >= MOST_PIXELS:
            yield from _locate(opened, work)
            opened, pixels = [], 0
    yield from _locate(opened, work)


def _open(
    region: Region, work: _Work, *, detail: int | None = DETAIL
) -> tuple[_Seen, Photo | None]:
    """Open the photo of a region; of a large JPEG no more pixels than `detail` windows a side."""
    settings = work.locator.encoder.settings
    size = None if work.pictures.any or detail is None else detail * settings.size
    try:
        data = region.data if region.data is not None else read_photo(work.root / region.image)
        photo = decode_photo(data, size=size, colour=settings.colour)
    except BadImage as error:
        return _Seen(region, reason=str(error)), None
    content = "" if work.encoder is None else digest(data)
    return _Seen(region, photo.width, photo.height, digest=content), photo


def _locate(opened: list[tuple[_Seen, Photo | None]], work: _Work) -> Iterator[_Seen]:
    """Yield what is in photos that are open; small objects are looked for in all the pixels."""
    found = iter(work.locator.locate_all([photo for _, photo in opened if photo]))
    for seen, photo in opened:
        if photo is not None:
            seen.objects = next(found)
            if _is_coarse(photo, seen.objects, work.locator.encoder.settings.size):
                _, photo = _open(seen.region, work, detail=None)
                seen.objects = work.locator.locate(photo) if photo else seen.objects
            seen.regions = _regions(seen)
            if photo is not None:
                _prepare(seen, photo, work.encoder)
                _save(seen.region.image, photo, seen.objects, work.pictures)
        yield seen


def _regions(seen: _Seen) -> list[Region]:
    """Return the objects found in a photo; the whole photo where there are none."""
    region = seen.region
    objects = [
        replace(region, crop=found.box, box=found.box, label=region.label or found.label)
        for found in seen.objects
    ]
    return objects or [region]


def _prepare(seen: _Seen, photo: Photo, encoder: Encoder | None) -> None:
    """Prepare what was found for an encoder, if the photo is open finely enough for all of it."""
    if encoder is None:
        return
    if all(photo.is_fine_enough(region.crop, encoder.settings.size) for region in seen.regions):
        seen.regions = [prepare(photo, region, seen.digest, encoder) for region in seen.regions]


def _is_coarse(photo: Photo, objects: list[Located], size: int) -> bool:
    """Tell whether an object has fewer pixels than a view of it, and the file has more."""
    scale = photo.image.width / photo.width
    sides = [(o.box[2] - o.box[0], o.box[3] - o.box[1]) for o in objects]
    return scale < 1 and any(min(box) * scale < size for box in sides)


def _save(image: str, photo: Photo, objects: list[Located], pictures: Pictures) -> None:
    name = "-".join(part for part in Path(image).with_suffix("").parts if part not in ("..", "/"))
    if pictures.crops is not None:
        for number, found in enumerate(objects, 1):
            cut = thumbnail(photo, max(photo.width, photo.height), found.box)
            save_picture(cut, pictures.crops / picture_name(name, f"-{number}.jpg"))
    if pictures.drawn is not None:
        save_picture(draw_boxes(photo, objects), pictures.drawn / picture_name(name, ".jpg"))


def draw_boxes(photo: Photo, objects: list[Located]) -> Image.Image:
    """Return the photo with the boxes and scores of its objects drawn in."""
    from PIL import ImageDraw  # and fonts: a search draws nothing

    picture = thumbnail(photo, DRAWN)
    scale = picture.width / photo.width
    pen = ImageDraw.Draw(picture)
    for number, found in enumerate(objects):
        colour = COLOURS[number % len(COLOURS)]
        box: Box = tuple(side * scale for side in found.box)  # type: ignore[assignment]
        pen.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), outline=colour, width=3)
        text = f"{found.label} {found.score:.2f}" if found.label_score else f"{found.score:.2f}"
        pen.text((box[0] + 5, box[1] + 3), one_line(text), fill=colour)
    return picture
