"""Convolutions and pooling: channels, dimensions, channels last, and images that got too small."""

from __future__ import annotations

from math import isqrt

from torch import nn

from nninspect.engine.failures.facts import Facts, Shape, by, ints, set_instead

CONVOLUTIONS = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d),
    *(nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
)
_KERNEL = r"padded input size per channel: \(([\d x]+)\)\. Kernel size: \(([\d x]+)\)"
_POOL = r"Given input size: \(([\d x]+)\)\. Calculated output size: \(([-\d x]+)\)"


def convolution(facts: Facts) -> str:
    """What the input of a convolution lacks, or the channels to set."""
    module, got = facts.module, facts.got
    if not facts.is_plain(*CONVOLUTIONS) or got is None:
        return ""
    assert isinstance(module, CONVOLUTIONS)
    spatial, wanted = len(module.kernel_size), module.in_channels
    if len(got) not in (spatial + 1, spatial + 2):
        return _dimensions(facts, got, spatial, wanted)
    place = -1 - spatial
    if got[place] == wanted:
        return _kernel(facts, module)
    return _channels(facts, got, wanted, place, module.groups)


def _channels(facts: Facts, got: Shape, wanted: int, place: int, groups: int) -> str:
    says = f"{facts.name} expects in_channels={wanted} and got {got[place]}, in {got}"
    if got[-1] == wanted and wanted in (1, 3, 4) and len(got) > 2:
        first = len(got) + place
        order = (*range(first), len(got) - 1, *range(first, len(got) - 1))
        return f"{says}: the channels come last, so bring them forward with x.permute{order}."
    if wanted == 1 and len(got) == -place:
        shape = (got[0], 1, *got[1:])
        return f"{says}: there is no channel dimension; x.unsqueeze(1) gives {shape}."
    if got[place] % groups:
        return f"{says}: {got[place]} can't be split into groups={groups}."
    return set_instead(facts.name, "in_channels", wanted, got, place)


def _dimensions(facts: Facts, got: Shape, spatial: int, wanted: int) -> str:
    letters = ", ".join(("N", "C", *"DHW"[3 - spatial :])) if spatial > 1 else "N, C, L"
    says = f"{facts.name} expects in_channels={wanted} as ({letters}) and got {got}"
    side = isqrt(got[-1] // wanted) if got else 0
    if spatial == 2 and len(got) == 2 and side > 1 and side * side * wanted == got[-1]:
        return f"{says}: x.view(-1, {wanted}, {side}, {side}) makes images of it."
    if wanted == 1 and len(got) == spatial:
        shape = (1, 1, *got)
        return f"{says}: x[None, None] gives {shape}."
    return f"{says}, which has {len(got)} dimensions instead of {spatial + 2}."


def _kernel(facts: Facts, module: nn.Module) -> str:
    """The least padding that makes a kernel fit, of a plain convolution."""
    match = facts.says(_KERNEL)
    if match is None or not isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        return ""
    size, kernel = ints(match[1]), ints(match[2])
    says = f"{facts.name} got {by(size)}, padding included, smaller than its kernel {by(kernel)}"
    if isinstance(module.padding, str) or len(size) != len(module.padding):
        return f"{says}: feed it at least {by(kernel)}."
    least = max(
        padding + max(0, -(-(needed - have) // 2))
        for padding, needed, have in zip(module.padding, kernel, size, strict=True)
    )
    return f"{says}: set padding={least}, use a smaller kernel, or feed the model a larger input."


def too_small(facts: Facts) -> str:
    """A pooling, or a functional convolution, whose output would have no elements."""
    if match := facts.says(_POOL):
        got, out = ints(match[1]), ints(match[2])
        if min(out, default=1) > 0:
            return ""
        return (
            f"There is nothing left to pool: it got {by(got[1:])} (of {got[0]} channels), and the "
            f"output would be {by(out[1:])}. Leave out one pooling or stride before it, or feed "
            "the model a larger input."
        )
    if match := facts.says(_KERNEL):
        size, kernel = ints(match[1]), ints(match[2])
        return (
            f"The input, {by(size)} with its padding, is smaller than the kernel, {by(kernel)}: "
            "pad it, use a smaller kernel, or feed the model a larger input."
        )
    return ""


def functional_channels(facts: Facts) -> str:
    """A convolution that the user's own forward calls, from the message."""
    match = facts.says(
        r"weight of size (\[[^]]*\]), expected input(\[[^]]*\]) to have (\d+) channels, "
        r"but got (\d+)"
    )
    if match is None or facts.is_plain(*CONVOLUTIONS):
        return ""
    got, wanted = ints(match[2]), int(match[3])
    says = f"The convolution's weight is for {wanted} channels, and the input {got} has {match[4]}"
    if got[-1] == wanted and wanted in (1, 3, 4):
        order = (0, len(got) - 1, *range(1, len(got) - 1))
        return f"{says}: the channels come last, so bring them forward with x.permute{order}."
    return f"{says}."
