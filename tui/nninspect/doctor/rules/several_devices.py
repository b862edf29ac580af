"""NN801: parameters of one model on several devices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from torch.nn.parameter import is_lazy

from nninspect.doctor.evidence import Evidence
from nninspect.doctor.rule import Need, Rule
from nninspect.doctor.structure import Structure
from nninspect.protocol.findings import Finding, Severity


class SeveralDevices(Rule):
    """Parameters and buffers of one model are on several devices.

    What it flags: a tensor of the model on another device than most are. A model that was spread
        over devices on purpose (it has a `hf_device_map`, or hooks of accelerate on its modules)
        is left alone.
    Why: an op needs its tensors on one device: "Expected all tensors to be on the same device".
        A part that was moved by itself, or made after `model.to(device)`, stays behind; one on
        meta has no values at all.
    Instead: make every part before `model.to(device)`, and move the whole model.
    Example:
        model.to("cuda"); model.head = nn.Linear(64, 10)  # the head is on the CPU
        model.head = nn.Linear(64, 10); model.to("cuda")
    """

    code = "NN801"
    name = "several-devices"
    severity = Severity.WARNING
    needs = frozenset({Need.STRUCTURE})

    def check(self, evidence: Evidence) -> Iterator[Finding]:
        structure = evidence.structure
        devices = _devices(structure)
        if len(set(devices.values())) < 2 or _is_spread_on_purpose(structure):
            return
        usual, _ = Counter(devices.values()).most_common(1)[0]
        odd = [name for name, device in devices.items() if device != usual]
        more = f", and so are {len(odd) - 1} more tensors" if len(odd) > 1 else ""
        paths = list(dict.fromkeys(name.rpartition(".")[0] for name in odd))
        yield self.finding(
            f"{odd[0]} is on {devices[odd[0]]}{more}; the other {len(devices) - len(odd)}"
            f" are on {usual}.",
            why="An op needs its tensors on one device, so the forward fails where they meet.",
            change=f'model.to("{usual}")  # after every part of it was made'
            if devices[odd[0]] != "meta"
            else 'Build the part outside of torch.device("meta"), or load its weights.',
            at=evidence.at_path(paths[0]),
            related=tuple(paths[1:]),
        )


def _devices(structure: Structure) -> dict[str, str]:
    """The device of every parameter and buffer, by name."""
    found = {name: str(p.device) for name, p in structure.parameters.items() if not is_lazy(p)}
    for path, module in structure.modules():
        for name, buffer in module._buffers.items():
            if buffer is not None and not is_lazy(buffer):
                found[f"{path}.{name}" if path else name] = str(buffer.device)
    return found


def _is_spread_on_purpose(structure: Structure) -> bool:
    modules = (module for _, module in structure.modules())
    return any(hasattr(m, "hf_device_map") or hasattr(m, "_hf_hook") for m in modules)
