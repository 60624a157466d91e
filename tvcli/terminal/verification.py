"""What a command line says of verification: whether hits must show the same picture, and how."""

from typing import TYPE_CHECKING

from tvcli.terminal import options
from tvcli.terminal.option_groups import OptionGroup

if TYPE_CHECKING:
    from tvcli.core.matching.decision import Verification


class VerificationOptions(OptionGroup):
    """Options of how hits are verified."""

    verify: options.Verify = None
    threshold: options.Thresholds = None
    min_probability: options.LeastProbability = None
    method: options.Method = None
    model: options.Model = None
    shortlist: options.Shortlist = None
    unverified: options.Unverified = False
    by_inliers: options.ByInliers = False

    @property
    def least_probability(self) -> float | None:
        """From which probability of belonging together on hits are kept, where none is verified."""
        return None if self.verify else self.min_probability

    def parse(self) -> "Verification | None":
        """Return how to verify, None not to; raises UsageError as `asked_verification` does."""
        from tvcli.core.matching.decision import asked_verification

        return asked_verification(
            self.verify,
            self.threshold or (),
            self.min_probability if self.verify else None,
            method=self.method,
            model=self.model,
            shortlist=self.shortlist,
            unverified=self.unverified,
            by_inliers=self.by_inliers,
        )
