"""What a command line gives, as core takes it: the photos it names, the encoder it describes."""

from typing import TYPE_CHECKING

import typer

from tvcli.terminal import streams
from tvcli.terminal.progress import TerminalReport

if TYPE_CHECKING:
    from tvcli.core.backbones.specs import Device
    from tvcli.core.encoding.encoder import Encoder
    from tvcli.core.files.sources import Source

DESCRIBED = ("weights", "layer", "size", "fit", "batch", "precision", "runtime")


def photo_inputs(context: typer.Context, report: TerminalReport) -> "Source":
    """Open what a command line names by SRC, --null, --root, --limit, --sample and --shard.

    Raises:
        UsageError: a sample or a shard that is none.
        BadInput: nothing is named, or it cannot be read.
    """
    from tvcli.core.files.sampling import parse_sample
    from tvcli.core.files.shards import parse_shard
    from tvcli.core.files.sources import open_sources

    asked = context.params
    return open_sources(
        asked["sources"],
        stdin=streams.stdin(),
        null=asked["null"],
        root=asked["root"],
        sample=parse_sample(asked["limit"], asked["sample"], asked["seed"]),
        shard=parse_shard(asked["shard"]),
        on_unreadable=report.unreadable,
    )


def encoder_input(context: typer.Context, pool: str, device: "Device | None" = None) -> "Encoder":
    """Make the encoder that a command line describes, with a pooling, on its or another device.

    Raises:
        UsageError, BadInput, Mismatch: as `make_encoder` does.
    """
    from tvcli.core.encoding.encoder import make_encoder

    asked = context.params
    described = {name: asked[name] for name in DESCRIBED}
    return make_encoder(asked["backbone"], pool=pool, device=device or asked["device"], **described)
