"""Norm layers: how many features, and of how many dimensions."""

from __future__ import annotations

from typing import Any

from torch import nn

from nninspect.engine.failures.facts import Facts, Shape, set_instead

_BATCH = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
_INSTANCE = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)
_RANKS = {"1d": (2, 3), "2d": (4,), "3d": (5,)}


def norm(facts: Facts) -> str:
    """The number of features or channels to set, or the dimensions to mend."""
    if facts.says("more than 1 value per channel when training"):
        return "In train mode a batch norm compares samples: use --batch 2 or more, or --eval."
    got = facts.got
    if got is None:
        return ""
    if facts.is_plain(*_BATCH):
        return _batch_norm(facts, got)
    if facts.is_plain(*_INSTANCE) and facts.says("to match num_features"):
        return _features(facts, got, len(got) - int(type(facts.module).__name__[-2]) - 1)
    if facts.is_plain(nn.GroupNorm):
        return _group_norm(facts, got)
    if facts.is_plain(nn.LayerNorm, nn.RMSNorm):
        return _normalized_shape(facts, got)
    return ""


def _batch_norm(facts: Facts, got: Shape) -> str:
    kind = type(facts.module).__mro__
    suffix = next(k.__name__[-2:] for k in kind if k in _BATCH)
    if len(got) not in _RANKS[suffix]:
        return _other_rank(facts, got, suffix)
    return _features(facts, got, 1)


def _other_rank(facts: Facts, got: Shape, suffix: str) -> str:
    wanted = " or ".join(f"{rank}" for rank in _RANKS[suffix])
    says = f"{facts.name} expects {wanted} dimensions and got {len(got)}, in {got}"
    norm: Any = facts.module
    features: int = norm.num_features
    if suffix != "1d" and len(got) == _RANKS[suffix][0] - 1 and got[0] == features != got[1]:
        return f"{says}: the batch dimension is missing; x.unsqueeze(0) adds it."
    fits = next((other for other, ranks in _RANKS.items() if len(got) in ranks), "")
    if not fits:
        return f"{says}."
    size = "" if got[1] == features else f", with num_features={got[1]}"
    return f"{says}: use nn.BatchNorm{fits}{size}."


def _features(facts: Facts, got: Shape, place: int) -> str:
    norm: Any = facts.module
    features: int = norm.num_features
    if len(got) <= place or got[place] == features:
        return ""
    if len(got) > 2 and got[-1] == features:
        order = (*range(place), len(got) - 1, *range(place, len(got) - 1))
        return (
            f"{facts.name} expects num_features={features} and got {got[place]}, in {got}: the "
            f"features come last, so bring them forward with x.permute{order}, or set "
            f"num_features={got[place]}."
        )
    return set_instead(facts.name, "num_features", features, got, place)


def _group_norm(facts: Facts, got: Shape) -> str:
    module = facts.module
    assert isinstance(module, nn.GroupNorm)
    if len(got) < 2 or got[1] == module.num_channels:
        return ""
    says = set_instead(facts.name, "num_channels", module.num_channels, got, 1)
    if got[1] % module.num_groups == 0:
        return says
    divisors = [n for n in range(1, module.num_groups) if got[1] % n == 0]
    return (
        f"{says} {got[1]} can't be split into num_groups={module.num_groups}: set "
        f"num_groups={max(divisors)}."
    )


def _normalized_shape(facts: Facts, got: Shape) -> str:
    norm: Any = facts.module
    wanted = tuple(norm.normalized_shape)
    last = got[-len(wanted) :]
    if last == wanted:
        return ""
    says = (
        f"{facts.name} expects normalized_shape={wanted} as the last dimensions and got {last}, "
        f"in {got}"
    )
    if len(last) < len(wanted):
        return f"{says}."
    if len(got) > 2 and (got[1],) == wanted:
        order = (0, *range(2, len(got)), 1)
        return (
            f"{says}: the {wanted[0]} are in dimension 1; bring them last with x.permute{order}, "
            f"or use nn.GroupNorm(1, {wanted[0]})."
        )
    return f"{says}: set normalized_shape={last}."
