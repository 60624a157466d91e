"""`tv crops`: photos with boxes -> crops to learn from."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

import typer

from tvcli.terminal import options
from tvcli.terminal.lines import base_of, emit
from tvcli.terminal.progress import reporting

Format = Literal["jsonl", "coco", "voc", "yolo", "via"]


def crops(
    boxes: Annotated[
        Path,
        typer.Argument(help="Boxes: a file of records (a folder too with --from voc or yolo)."),
    ],
    output: Annotated[str, typer.Option("-o", "--output", help="Crop records; - for stdout.")],
    source: Annotated[Format, typer.Option("--from", help="How the boxes are written.")] = "jsonl",
    to: Annotated[
        Format | None,
        typer.Option("--to", help="Write the checked boxes themselves in this format, no crops."),
    ] = None,
    per_photo: Annotated[
        int, typer.Option("--per-photo", min=0, help="Target and background crops, of each.")
    ] = 5,
    looks: Annotated[
        int | None,
        typer.Option("--looks", min=0, help="Crops for train-boxes alone.  [default: 4 to 24]"),
    ] = None,
    scales: Annotated[
        str, typer.Option("--scales", help="Short sides of the photo, in sizes of a crop.")
    ] = "1,2,3",
    size: Annotated[int, typer.Option("--size", min=32, help="Side of saved crops.")] = 224,
    extend: Annotated[
        str, typer.Option("--extend", help="Lengthen boxes up and down, in parts of their height.")
    ] = "0,0",
    test: Annotated[
        float, typer.Option("--test", min=0, max=0.9, help="Part of the photos held out.")
    ] = 0.05,
    save_images: Annotated[
        Path | None, typer.Option("--save-images", help="Write the crops here as pictures.")
    ] = None,
    limit: options.Limit = None,
    sample: options.Sampled = None,
    seed: options.Seed = 0,
    root: Annotated[
        Path | None, typer.Option("--root", help="Where the photos are.  [default: by the boxes]")
    ] = None,
    errors: options.Errors = None,
    strict: options.Strict = False,
    quiet: options.Quiet = False,
) -> None:
    """Draw crops of the object and of the background from boxes.

    Target crops lie at least half inside the box, background crops at least half outside. An object
    too small to fill half a crop gets crops that hold nine tenths of it. Looks are crops around the
    object at all zooms, as locate sees it when it looks again. Photos are split into train and test
    by a hash of their names, unless the records say "split".

    Boxes are read from our JSON Lines, COCO's JSON (--from coco), a folder of Pascal VOC's XML
    (--from voc) or YOLO's text files (--from yolo), or VGG VIA's JSON (--from via), and written
    likewise with --to.

    \b
    Examples:
      tv crops boxes.jsonl -o crops.jsonl
      tv crops annotations/ --from voc --root photos/ -o crops.jsonl --extend 0.1,0.5
      tv crops boxes.jsonl --to coco -o coco.json
    """
    from tvcli.core.files.formats import read_annotations, write_annotations
    from tvcli.core.files.sampling import parse_sample
    from tvcli.core.images.annotations import boxed_photos, spooled_photos
    from tvcli.core.location.crops import CropSettings, parse_numbers, sample_crops, saved

    settings = CropSettings(
        per_photo=per_photo,
        looks=looks,
        scales=parse_numbers("--scales", scales, least=1.0),
        extend=parse_numbers("--extend", extend, count=2),
        test=test,
        seed=seed,
    )
    base = base_of(output)
    with reporting(strict=strict, quiet=quiet, errors=errors) as report, ExitStack() as stack:
        wanted = parse_sample(limit, sample, seed)
        annotations = wanted.of(read_annotations(boxes, source), lambda box: box.image)
        checked = boxed_photos(annotations, base, report, root)
        if to is not None and (to != "jsonl" or output != "-"):
            photos = list(checked)
            write_annotations(Path(output), photos, to)
            report.summary(f"{sum(len(p.objects) for p in photos)} boxes in {output}")
            return
        spool = stack.enter_context(spooled_photos(checked))
        records = sample_crops(spool, settings)
        if save_images is not None:
            records = saved(records, base, save_images, size, report)
        report.summary(f"{emit(output, records)} crops of {len(spool)} photos in {output}")
