"""From an input and what a model said against it to better inputs, the likeliest first.

Pure: it looks at the refusal's words, at the failing layer and at the specs, and runs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from nninspect.engine.guessing import dimensions, sizes, values
from nninspect.engine.guessing.specs import Specs, Tried, is_affordable

MAX_PROPOSALS = 12


def refine(tried: Tried) -> Iterator[Specs]:
    """Inputs to try after the latest refusal, none of them twice."""
    specs, _ = tried[-1]
    seen = {specs}
    for rule in _RULES:
        for better in rule(tried):
            if better not in seen and all(map(is_affordable, better)):
                seen.add(better)
                yield better
            if len(seen) > MAX_PROPOSALS:
                return


_RULES: tuple[Callable[[Tried], Iterator[Specs]], ...] = (
    values.arguments,
    values.batch_of_two,
    values.integers,
    values.floats,
    values.complex_numbers,
    values.value_range,
    values.booleans,
    dimensions.dimensions,
    sizes.flattened,
    sizes.fed_size,
    sizes.later_size,
    sizes.too_small,
    sizes.other_numbers,
    sizes.named_number,
    sizes.standard_sides,
)
