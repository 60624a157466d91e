"""What a command line says of neighbours: whether queries are expanded, and hits re-ranked."""

from typing import TYPE_CHECKING, Annotated

import typer

from tvcli.terminal.option_groups import OptionGroup

if TYPE_CHECKING:
    from tvcli.core.searching.neighbours import ByNeighbours


class NeighbourOptions(OptionGroup):
    """Options of searches that ask the neighbours too."""

    query_expansion: Annotated[
        int | None,
        typer.Option(
            "--query-expansion",
            metavar="N",
            min=1,
            help="Search again with the sum of the query and its N closest photos, each weighted "
            "by its similarity to the power --alpha.",
        ),
    ] = None
    alpha: Annotated[
        float | None,
        typer.Option(
            "--alpha",
            min=0,
            help="Exponent of --query-expansion; 0 weighs all alike.  [default: 3]",
        ),
    ] = None
    k_reciprocal: Annotated[
        int | None,
        typer.Option(
            "--k-reciprocal",
            metavar="N",
            min=1,
            help="Reorder the first N hits by the neighbours that they share with the query; they "
            "keep their similarities.",
        ),
    ] = None
    k1: Annotated[
        int | None,
        typer.Option(
            "--k1", min=1, help="Size of the neighbourhoods of --k-reciprocal.  [default: 20]"
        ),
    ] = None
    k2: Annotated[
        int | None,
        typer.Option(
            "--k2",
            min=1,
            help="Neighbours over which --k-reciprocal averages neighbourhoods.  [default: 6]",
        ),
    ] = None
    share: Annotated[
        float | None,
        typer.Option(
            "--lambda",
            min=0,
            max=1,
            help="Share of the plain distance in the order of --k-reciprocal; 1 changes nothing.  "
            "[default: 0.3]",
        ),
    ] = None

    def parse(self) -> "ByNeighbours":
        """Return how neighbours are asked; raises UsageError as `asked_neighbours` does."""
        from tvcli.core.searching.neighbours import asked_neighbours

        return asked_neighbours(
            self.query_expansion, self.alpha, self.k_reciprocal, self.k1, self.k2, self.share
        )
