"""torch's optimizers without the compiler that they would import, which takes as long as torch."""

import inspect

import torch


class _Uncompiled:
    """Methods below their decorators, which import `torch.compile` to keep it away from them."""

    add_param_group = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.Optimizer.zero_grad)


class Adam(_Uncompiled, torch.optim.Adam):
    """Adam (Kingma and Ba, 2015)."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class AdamW(_Uncompiled, torch.optim.AdamW):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019)."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


class LBFGS(_Uncompiled, torch.optim.LBFGS):
    """L-BFGS (Liu and Nocedal, 1989)."""

    step = torch.no_grad()(inspect.unwrap(torch.optim.LBFGS.step))
