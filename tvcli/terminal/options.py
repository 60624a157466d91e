"""The options that several commands share, so that each means the same everywhere."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

SRC = typer.Argument(
    metavar="SRC",
    help="Photos, folders, a text file of paths, or JSON Lines records; - reads any of these "
    "from stdin.",
)
Sources = Annotated[list[str], SRC]
SourcesOrNone = Annotated[list[str] | None, SRC]
Encodings = Annotated[
    str, typer.Argument(metavar="SRC", help="Encodings (.h5) from tv encode, or - for stdin.")
]
EncodedCrops = Annotated[
    str, typer.Argument(help="Encoded crops (.h5) from tv encode, or - for stdin.")
]
TRIPLETS = typer.Argument(
    metavar="TRIPLETS", help="Triplets (.jsonl) from tv triplets, or - for stdin."
)
Triplets = Annotated[Path, TRIPLETS]
Null = Annotated[
    bool,
    typer.Option(
        "--null", "-0", help="Separate paths by NUL bytes, as find -print0 and xargs -0 do."
    ),
]
Backbone = Annotated[
    str,
    typer.Option(
        "--backbone",
        envvar="TV_BACKBONE",
        help="The network that encodes photos: mini (ships with tv), a torchvision model "
        "(alexnet, vgg16, resnet50, …), or timm:NAME.",
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(
        "--weights",
        envvar="TV_WEIGHTS",
        help="A local file with the backbone's weights (a torch state dict or safetensors).  "
        "[default: the published weights]",
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(
        "--layer",
        help="The layer whose output is used, such as fc2 or layer3.  [default: the last "
        "convolutional map]",
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        min=32,
        help="Side of the square input image, in pixels.  [default: what the backbone prefers]",
    ),
]
Fit = Annotated[
    Literal["squash", "pad", "crop"],
    typer.Option(
        "--fit",
        help="How a photo becomes square: squash changes its proportions, pad adds borders, crop "
        "cuts the ends off.",
    ),
]
Batch = Annotated[
    int | None,
    typer.Option("--batch", min=1, help="Photos per batch.  [default: 16 on a CPU, 128 on a GPU]"),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda", "mps"], typer.Option("--device", help="Where the network runs.")
]
Precision = Annotated[
    Literal["fp32", "bf16"],
    typer.Option("--precision", help="Number format that the network computes in."),
]
Runtime = Annotated[
    Literal["auto", "torch", "onnx", "openvino"],
    typer.Option(
        "--runtime",
        help="What runs the network. auto: torch on a GPU, the fastest available on a CPU.",
    ),
]
Root = Annotated[
    Path | None,
    typer.Option("--root", help="Record the photos' paths relative to this folder."),
]
PhotosRoot = Annotated[
    Path | None,
    typer.Option(
        "--root",
        help="Look for the index's photos in this folder, if they have moved. The index is not "
        "changed.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="GLOB",
        help="Leave out files and folders of this name, such as thumbs or '*_small.jpg', or of "
        "this path in a folder, such as 'old/*'. Repeatable.",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, help="Use only the first N photos."),
]
Sampled = Annotated[
    str | None,
    typer.Option(
        "--sample",
        metavar="N|SHARE",
        help="Use a random sample: N photos, or a share such as 0.1 or 10%. --seed chooses which.",
    ),
]
Shard = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Process only part I of N, counted from 1. tv merge joins the outputs.",
    ),
]
Update = Annotated[
    bool,
    typer.Option(
        "--update",
        help="Bring the existing output up to date: encode new and changed photos, drop deleted "
        "ones, keep the rest. What --exclude left out stays out, until --exclude ''.",
    ),
]
Exif = Annotated[
    bool,
    typer.Option(
        "--exif",
        help="Read the fields taken, camera, latitude and longitude from the photos' EXIF.",
    ),
]
Watch = Annotated[
    bool,
    typer.Option(
        "--watch",
        help="Keep the index up to date with these folders until Ctrl-C: update it whenever photos "
        "changed and have come to rest for a second.",
    ),
]
Add = Annotated[bool, typer.Option("--add", help="Add these photos to an existing index.")]
Remove = Annotated[
    bool,
    typer.Option(
        "--remove",
        help="Remove these photos, or all photos in these folders, from an existing index.",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Show what would be added, changed or removed, and write nothing."
    ),
]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Encode on a Ray cluster: auto, local or HOST:PORT. All nodes must see the photos "
        "and the output under the same paths.",
    ),
]
# Each command has formats of its own: Annotated[HitFormat | None, FORMAT].
FORMAT = typer.Option(
    "--format", help="How to print the result.  [default: table on a terminal, else jsonl]"
)
Errors = Annotated[
    Path | None,
    typer.Option(
        "--errors",
        help="Write the skipped photos, with the reason, to this file as JSON Lines.",
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Stop at the first photo that cannot be used, instead of skipping it."
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only errors and skipped photos on stderr.")
]


def _plot(path: Path | None) -> Path | None:
    from tvcli.core.files.own_files import check_own

    if path is not None:
        check_own(path, "plot")  # before what it shows is learned for hours
    return path


def plot(help: str) -> Any:
    """Return the option of a plot to draw, with what it shows."""
    return typer.Option("--plot", callback=_plot, help=help)


def registered(
    flag: str, names: Callable[[], Sequence[str]], check: Callable[[str], str], help: str
) -> Any:
    """Return an option that takes a name of a registry, which is imported once one is given."""

    def checked(name: str | None) -> str | None:
        return None if name is None else check(name)

    def complete(text: str) -> list[str]:
        return [name for name in names() if name.startswith(text)]

    return typer.Option(flag, metavar="NAME", callback=checked, autocompletion=complete, help=help)


def pool(*others: str, help: str, heads: bool = False) -> Any:
    """Return the option `--pool`: the name of a pooling, or one of some others.

    With `heads` the vectors must be such that a rank head can be trained on them.
    """

    def check(name: str) -> str:
        if name in others:
            return name
        from tvcli.core.encoding.pooling import checked_pooling  # brings numpy

        return checked_pooling(name, *others, heads=heads)

    def names() -> list[str]:
        from tvcli.core.encoding.pooling import pooling_names

        return [*others, *pooling_names(heads=heads)]

    return registered("--pool", names, check, help)


def box_format(flag: str, *, help: str) -> Any:
    """Return an option for a format of boxes."""

    def check(name: str) -> str:
        from tvcli.core.files.formats import checked_format

        return checked_format(name, flag)

    def names() -> list[str]:
        from tvcli.core.files.formats import FORMATS

        return list(FORMATS)

    return registered(flag, names, check, help)


def _engine(name: str) -> str:
    from tvcli.core.engines.names import checked_engine  # brings numpy

    return name if name == "auto" else checked_engine(name)


def _engines() -> list[str]:
    from tvcli.core.engines.names import engine_names

    return engine_names()


Engine = Annotated[
    str,
    registered(
        "--engine",
        _engines,
        _engine,
        "The search engine: auto (exact while that is fast enough, then annoy), exact, "
        "annoy, faiss (that is, faiss-ivfpq), faiss-hnsw, or postgresql://USER@HOST/NAME.",
    ),
]
Seed = Annotated[
    int,
    typer.Option("--seed", help="Seed of the random numbers; the same seed gives the same result."),
]
Host = Annotated[
    str,
    typer.Option(
        "--host", help="The address to listen on. The default is reachable from this machine only."
    ),
]
Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="The port to listen on; 0 picks a free one.")
]
NoOpen = Annotated[bool, typer.Option("--no-open", help="Do not open a browser window.")]
Allow = Annotated[
    list[Path] | None,
    typer.Option(
        "--allow",
        metavar="DIR",
        help="Show photos of this folder too, if records or an index name them; repeatable.",
    ),
]
Verify = Annotated[
    Literal["default", "scalable"] | None,
    typer.Option(
        "--verify",
        help="Keep only hits that show the same picture as the query, checked by geometry; "
        "without a value: default.",
    ),
]
Thresholds = Annotated[
    list[str] | None,
    typer.Option(
        "--threshold",
        metavar="NAME=VALUE",
        help="Change one threshold of --verify scalable. Repeatable.",
    ),
]
LeastProbability = Annotated[
    float | None,
    typer.Option(
        "--min-probability",
        min=0,
        max=1,
        help="Leave out hits that belong with the query less probably than this, as the index was "
        "calibrated; with --verify, that less probably show the same picture (0.43 if not said).",
    ),
]
MinProbability = Annotated[
    float | None,
    typer.Option(
        "--min-probability",
        min=0,
        max=1,
        help="Least probability that two photos show the same picture.  [default: 0.43, which no "
        "other picture reached in the fit, but for cartons of one brand]",
    ),
]
Method = Annotated[
    Literal["orb", "sift"] | None,
    typer.Option(
        "--method",
        help="Type of key points that pictures are compared by.  [default: those stored in the "
        "index, else orb]",
    ),
]
Model = Annotated[
    Literal["homography", "affine", "similarity"] | None,
    typer.Option(
        "--model",
        help="The distortion that --verify allows between two copies.  [default: homography]",
    ),
]
Shortlist = Annotated[
    int | None,
    typer.Option(
        "--shortlist", min=1, help="How many of the most similar photos to verify.  [default: 100]"
    ),
]
Unverified = Annotated[
    bool, typer.Option("--unverified", help="Also print the hits that failed --verify.")
]
ByInliers = Annotated[
    bool,
    typer.Option(
        "--by-inliers", help="Order verified hits by matching key points instead of similarity."
    ),
]
