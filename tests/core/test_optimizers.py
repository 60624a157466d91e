"""Optimizers step as torch's own do, without the compiler that those import."""

import subprocess
import sys

BOTH = """
import sys
import torch
from tvcli.core import optimizers

def trained(kind, **given):
    weights = torch.linspace(-1, 1, 6, requires_grad=True)
    optimizer = kind([weights], **given)
    def loss():
        optimizer.zero_grad()
        total = (weights - torch.arange(6.0)).pow(4).sum()
        total.backward()
        return total
    for _ in range(5):
        optimizer.step(loss)
    assert weights.requires_grad and torch.is_grad_enabled()
    return weights.detach()

KINDS = {
    "Adam": {"lr": 0.1},
    "AdamW": {"lr": 0.1, "weight_decay": 0.3, "fused": True},
    "LBFGS": {"max_iter": 3, "line_search_fn": "strong_wolfe"},
}
ours = {name: trained(getattr(optimizers, name), **given) for name, given in KINDS.items()}
assert "torch._dynamo" not in sys.modules
for name, given in KINDS.items():
    theirs = trained(getattr(torch.optim, name), **given)
    assert torch.equal(ours[name], theirs), name
    assert not torch.equal(theirs, torch.linspace(-1, 1, 6)), name
"""


def test_they_step_as_torchs_do_and_import_no_compiler() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", BOTH], capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
