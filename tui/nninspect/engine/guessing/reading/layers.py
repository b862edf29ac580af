"""torch's own modules as a reader sees them: which arguments arrive, and what passes through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from torch import nn

from nninspect.engine.guessing.reading.values import Given, Value
from nninspect.engine.module_calls import argument_names

_RESHAPING = (
    nn.Flatten,
    nn.Unflatten,
    nn.PixelShuffle,
    nn.PixelUnshuffle,
    nn.Fold,
    nn.Unfold,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
)


def keeps_shape(module: nn.Module) -> bool:
    """Nothing to learn from it, and the channels stay: an activation, a dropout, a pooling."""
    is_empty = not module._modules and not module._parameters
    norms = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)
    return is_empty and not isinstance(module, (*_RESHAPING, *norms))


def flows_into(
    module: nn.Module, args: Sequence[Value], kwargs: Mapping[str, Value]
) -> Iterator[tuple[str, Value]]:
    """Each argument by the name that the module gives it. The state of an LSTM is a pair."""
    names = argument_names(type(module))
    for name, value in (*zip(names, args, strict=False), *kwargs.items()):
        is_pair = isinstance(module, (nn.LSTM, nn.LSTMCell)) and name == "hx"
        if is_pair and isinstance(value, Given) and value.is_whole:
            yield from ((name, Given(f"{value.path}.{place}")) for place in (0, 1))
        else:
            yield name, value


def takes_time_first(module: nn.Module) -> bool:
    """A recurrent layer or a transformer whose batch is in the second dimension."""
    found = (getattr(part, "batch_first", None) for part in module.modules())
    return next((one for one in found if one is not None), True) is False
