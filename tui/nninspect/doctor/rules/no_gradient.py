"""NN508: parameters that no gradient reaches."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from nninspect.doctor.cuts import cuts
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.reached import unreached
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.usage import is_used
from nninspect.protocol.findings import Finding, Severity

MAX_NAMED = 4


class NoGradient(Rule):
    """Trainable parameters do not take part in what the model returns.

    What it flags: parameters with `requires_grad` that no gradient reaches from any output, in
        train and in eval mode: a layer that forward does not use, or whose result it drops. All
        of them are one finding, an info where the input was guessed. Parts that the source uses
        in a branch that this input did not take, and those that a cut keeps it from (NN901), are
        left alone.
    Why: they are never trained, cost memory, and DistributedDataParallel stops on them.
    Instead: use the layer in forward, or remove it.
    Example:
        self.norm = nn.LayerNorm(64)  # and forward never calls it
        x = self.norm(x)
    """

    code = "NN508"
    name = "no-gradient"
    severity = Severity.WARNING
    needs = frozenset({Need.TRACE, Need.BACKWARD})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        lost = unreached(evidence)
        told = {name for cut in cuts(evidence, lost) for name in cut.names}
        names = [n for n in lost if n not in told and not _is_in_a_branch(evidence, n)]
        if not names:
            return
        parameters = evidence.structure.parameters
        count = sum(parameters[name].numel() for name in names if name in parameters)
        paths = tuple(dict.fromkeys(name.rpartition(".")[0] for name in names))
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        yield self.finding(
            f"No gradient reaches {', '.join(names[:MAX_NAMED])}{more}: {count:,} parameters that"
            " want one.",
            why="They are never trained, cost memory, and DistributedDataParallel stops on them.",
            change=_change(evidence, paths[0]),
            at=_place(evidence, names[0]),
            severity=Severity.INFO if evidence.inputs_were_guessed else None,
            related=paths[1:],
        )


def _is_in_a_branch(evidence: Evidence, name: str) -> bool:
    """Nothing ran it, and the source of some module around it has a place that would."""
    path, _, attribute = name.rpartition(".")
    structure, called = evidence.structure, evidence.trace.called
    module = structure.by_path.get(path)
    if module is None:
        return True
    if id(module) in called:
        parameter = module._parameters.get(attribute)
        ran = any(parameter is weight for step in evidence.trace.steps for weight in step.weights)
        return not ran and is_used(type(module), attribute) and not _is_torchs(module)
    while path:
        attribute = path.rpartition(".")[2]
        path, parent = structure.parent(path)
        if _is_list(parent):
            if any(id(part) in called for part in parent.children()):
                return False
            continue
        if id(parent) in called:
            return is_used(type(parent), attribute)
    return False


def _is_torchs(module: nn.Module) -> bool:
    return type(module).__module__.startswith("torch.")


def _is_list(module: nn.Module) -> bool:
    return isinstance(module, (nn.ModuleList, nn.ModuleDict))


def _place(evidence: Evidence, name: str) -> Place:
    path, _, attribute = name.rpartition(".")
    if evidence.structure.by_path.get(path) is evidence.structure.model:
        return evidence.at_attribute("", type(evidence.structure.model), attribute)
    return evidence.at_path(path)


def _change(evidence: Evidence, path: str) -> str:
    module = evidence.structure.by_path.get(path)
    if module is not None and path and id(module) not in evidence.trace.called:
        return f"x = self.{path}(x)  # in forward; or remove self.{path}"
    return "use what it computes in what forward returns, or remove it"
