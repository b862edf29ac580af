"""NN504: one layer, several times in a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from torch import nn

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.protocol.findings import Finding, Severity

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class SameInstance(Rule):
    """The same layer stands several times in one container.

    What it flags: a Sequential, ModuleList or ModuleDict that holds one module with parameters
        more than once, as `[layer] * 6` makes it. Modules without parameters, as one ReLU used
        everywhere, and modules shared between different places of a model are left alone.
    Why: there are not 6 layers but one that runs 6 times: a sixth of the parameters, trained
        together.
    Instead: make each one anew; where sharing is meant, call the one layer in a loop.
    Example:
        self.layers = nn.ModuleList([nn.Linear(64, 64)] * 6)
        self.layers = nn.ModuleList([nn.Linear(64, 64) for _ in range(6)])
    """

    code = "NN504"
    name = "same-instance"
    severity = Severity.WARNING
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        for path, module in evidence.structure.modules():
            if not isinstance(module, _CONTAINERS):
                continue
            held = [part for part in module._modules.values() if part is not None]
            for key, count in Counter(map(id, held)).items():
                part = next(each for each in held if id(each) == key)
                if count > 1 and next(part.parameters(), None) is not None:
                    yield self._finding(evidence, path, module, part, count)

    def _finding(
        self, evidence: Evidence, path: str, module: nn.Module, part: nn.Module, count: int
    ) -> Finding:
        parameters = sum(p.numel() for p in part.parameters())
        kind = type(part).__name__
        keys = [key for key, each in module._modules.items() if each is part]
        inside = f"{path}." if path else ""
        return self.finding(
            f"{path or 'The model'} ({type(module).__name__}) holds one {kind} {count} times:"
            f" {parameters:,} parameters in place of {count * parameters:,}.",
            why=f"It is one layer that runs {count} times, not {count} layers that learn"
            " different things.",
            change=f"nn.{type(module).__name__}([{kind}(...) for _ in range({count})])"
            if not isinstance(module, nn.Sequential)
            else f"nn.Sequential(*[{kind}(...) for _ in range({count})])",
            at=evidence.at_path(f"{inside}{keys[0]}"),
            related=tuple(f"{inside}{key}" for key in keys[1:]),
        )
