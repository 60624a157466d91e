"""What a command line gives, as core takes it: the photos it names, the encoder it describes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tvcli.terminal import options, streams
from tvcli.terminal.option_groups import OptionGroup

if TYPE_CHECKING:
    from tvcli.core.backbones.specs import Device
    from tvcli.core.encoding.encoder import Encoder
    from tvcli.core.files.sampling import Sample
    from tvcli.core.files.shards import Shard
    from tvcli.core.files.sources import Source
    from tvcli.terminal.progress import TerminalReport


class SampleOptions(OptionGroup):
    """Options that take some of the photos only."""

    limit: options.Limit = None
    sample: options.Sampled = None
    seed: options.Seed = 0

    @property
    def is_part(self) -> bool:
        """Tell whether not all photos are asked for."""
        return bool(self.limit or self.sample)

    def parse(self) -> "Sample":
        """Return which photos are asked for; raises UsageError for a sample that is none."""
        from tvcli.core.files.sampling import parse_sample

        return parse_sample(self.limit, self.sample, self.seed)


class PathOptions(OptionGroup):
    """Options of how paths of photos are read from a stream, and recorded."""

    null: options.Null = False
    root: options.Root = None
    exclude: options.Exclude = None

    def open(
        self,
        sources: Sequence[str],
        report: "TerminalReport",
        *,
        sample: "Sample | None" = None,
        shard: "Shard | None" = None,
        empty: bool = False,
    ) -> "Source":
        """Open the photos that SRC names, those of a sample and a shard if one is given.

        `empty`: those too that records say show no object.

        Raises:
            BadInput: nothing is named, or it cannot be read.
        """
        from tvcli.core.files.exclusions import Exclusions
        from tvcli.core.files.fields import FieldReader
        from tvcli.core.files.sampling import ALL
        from tvcli.core.files.sources import open_sources

        return open_sources(
            sources,
            stdin=streams.stdin(),
            null=self.null,
            root=self.root,
            sample=sample or ALL,
            shard=shard,
            on_unreadable=report.unreadable,
            on_left_out=report.leave_out,
            on_empty=report.empty_folder,
            exclusions=Exclusions(self.exclude or (), report.note),
            fields=FieldReader(report.note),
            empty=empty,
        )


class InputOptions(OptionGroup):
    """Options of which photos a command takes, of those that SRC names."""

    paths: PathOptions
    sampling: SampleOptions
    shard: options.Shard = None

    @property
    def is_part(self) -> bool:
        """Tell whether not all photos are asked for."""
        return self.sampling.is_part or bool(self.shard)

    def open(self, sources: Sequence[str], report: "TerminalReport") -> "Source":
        """Open the photos that SRC names.

        Raises:
            UsageError: a sample or a shard that is none.
            BadInput: nothing is named, or it cannot be read.
        """
        from tvcli.core.files.shards import parse_shard

        sample, shard = self.sampling.parse(), parse_shard(self.shard)
        return self.paths.open(sources, report, sample=sample, shard=shard)


class EncoderOptions(OptionGroup):
    """Options that describe an encoder; a command says by which names it knows poolings."""

    backbone: options.Backbone = "mini"
    weights: options.Weights = None
    layer: options.Layer = None
    pool: str
    size: options.Size = None
    fit: options.Fit = "squash"
    batch: options.Batch = None
    device: options.Device = "auto"
    precision: options.Precision = "fp32"
    runtime: options.Runtime = "auto"

    def make(self, *, pool: str | None = None, device: "Device | None" = None) -> "Encoder":
        """Make the encoder, with another pooling or on another device where one is given.

        Raises:
            UsageError, BadInput, Mismatch: as `make_encoder` does.
        """
        from tvcli.core.encoding.encoder import make_encoder

        return make_encoder(
            self.backbone,
            weights=self.weights,
            layer=self.layer,
            size=self.size,
            fit=self.fit,
            pool=pool or self.pool,
            batch=self.batch,
            device=device or self.device,
            precision=self.precision,
            runtime=self.runtime,
        )
