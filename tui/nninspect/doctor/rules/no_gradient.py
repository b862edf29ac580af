"""NN508: parameters that no gradient reaches."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from nninspect.doctor.backward import Gradients
from nninspect.doctor.evidence import Evidence
from nninspect.doctor.place import Place
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.usage import is_used
from nninspect.protocol.findings import Finding, Severity

MAX_NAMED = 4


class NoGradient(Rule):
    """Trainable parameters do not take part in what the model returns.

    What it flags: parameters with `requires_grad` that no gradient reaches from any output, in
        train and in eval mode: a layer that forward does not use, or whose result it drops. All
        of them are one finding, an info where the input was guessed. Parts that the source uses
        in a branch that this input did not take are left alone.
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
        names = [name for name in unreached(evidence) if not _is_in_a_branch(evidence, name)]
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


def unreached(evidence: Evidence) -> list[str]:
    """Trainable parameters that have no gradient in any of the backwards that ran."""
    first = _gradients(evidence, 0, True)
    if first.error is None and all(gradient is not None for gradient in first.of.values()):
        return []
    probed = [first, _gradients(evidence, 1, True), _gradients(evidence, 0, False)]
    ran = [each for each in probed if each.error is None and each.of]
    if not ran or not all(each.has_path for each in probed):
        return []
    return [name for name in ran[0].of if all(each.of.get(name) is None for each in ran)]


def _gradients(evidence: Evidence, seed: int, training: bool) -> Gradients:
    return evidence.probes.gradients(seed=seed, training=training)


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
