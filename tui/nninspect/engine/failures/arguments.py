"""What a forward is called with, what it returns, and what its class has."""

from __future__ import annotations

import difflib
import inspect
import re

from torch import nn

from nninspect.engine.failures.facts import Facts
from nninspect.engine.structure import has_forward
from nninspect.text.suggest import did_you_mean

_NONE = r"not NoneType|'NoneType'|got \(NoneType|NoneType"


def no_forward(facts: Facts) -> str:
    """A class without a forward, or one that only holds modules."""
    kind = type(facts.module)
    if has_forward(facts.module) or not isinstance(facts.error, NotImplementedError):
        return ""
    if kind.__module__.startswith("torch."):
        return f"{kind.__name__} only holds modules, and can't be called: call those in it."
    typed = difflib.get_close_matches("forward", vars(kind), n=1)
    instead = f"; it has {typed[0]}" if typed else ""
    return f"Define `def forward(self, x):` in {kind.__name__}{instead}."


def signature(facts: Facts) -> str:
    """Missing, unexpected or too many arguments of the failing module's own forward."""
    if not isinstance(facts.error, TypeError):
        return ""
    forward = getattr(type(facts.module), "forward", None)
    own = re.escape(getattr(forward, "__qualname__", "forward")) + r"\(\) "
    is_root = facts.name == type(facts.module).__name__
    takes = f"{facts.name} takes {_parameters(facts.module)}"
    if match := facts.says(
        own + r"missing \d+ required (?:positional|keyword-only) arguments?: (.+)"
    ):
        missing = re.findall(r"'(\w+)'", match[1])
        how = (
            "feed it " + " ".join(f"--input {name}=…" for name in missing)
            if is_root
            else f"pass {', '.join(missing)} in the call"
        )
        return f"{takes} and got no {', '.join(missing)}: {how}, or give a default in forward."
    if match := facts.says(own + r"got an unexpected keyword argument '(\w+)'"):
        near = did_you_mean(match[1], _names(facts.module))
        return f"{takes}, and was given {match[1]}. {near}".rstrip()
    if match := facts.says(
        own + r"takes (?:from \d+ to )?(\d+) positional arguments? but (\d+) (?:was|were) given"
    ):
        most, given = int(match[1]) - 1, int(match[2]) - 1
        if isinstance(facts.module, nn.Sequential):
            return f"{facts.name} passes one value from module to module, and was given {given}."
        return f"{takes}: at most {most} by position, and was given {given}."
    return ""


def _names(module: nn.Module) -> list[str]:
    try:
        return [
            name for name in inspect.signature(type(module).forward).parameters if name != "self"
        ]
    except (TypeError, ValueError):
        return []


def _parameters(module: nn.Module) -> str:
    return f"({', '.join(_names(module))})"


def nothing_returned(facts: Facts) -> str:
    """A None where a tensor is wanted, and the call that gave it."""
    if not isinstance(facts.error, (TypeError, AttributeError)) or not facts.says(_NONE):
        return ""
    if facts.earlier and (name := _gave_nothing(facts)):
        return f"The forward of {name} returned no tensor: end it with `return x`."
    if facts.is_plain(nn.Module) and not facts.inputs and not facts.says("has no attribute '_"):
        return f"{facts.name} got None for its input: it was never set, or a call returned nothing."
    return ""


def _gave_nothing(facts: Facts) -> str:
    """The latest finished module call of a class of the user's, if no tensor came out of it."""
    for step in reversed(facts.earlier):
        module = getattr(step, "module", None)
        if module is None or type(module).__module__.startswith("torch."):
            continue
        name = facts.names.get(id(module), type(module).__name__)
        return name if step.outputs == () and step.inputs else ""
    return ""


def several_returned(facts: Facts) -> str:
    """The tuple of an RNN or of attention, passed on as if it were a tensor."""
    if not facts.says(r"must be Tensor, not tuple|'tuple' object has no attribute"):
        return ""
    latest = next((s for s in reversed(facts.earlier) if hasattr(s, "module")), None)
    module = getattr(latest, "module", None)
    if not isinstance(module, (nn.RNNBase, nn.MultiheadAttention)):
        return ""
    name = facts.names.get(id(module), type(module).__name__)
    second = "weights" if isinstance(module, nn.MultiheadAttention) else "state"
    return f"{name} returns (output, {second}): unpack it, `out, _ = …`, and pass on the output."


def attribute(facts: Facts) -> str:
    """An attribute that the module does not have, and the one that was meant."""
    if not isinstance(facts.error, AttributeError):
        return ""
    match = facts.says(r"'(\w+)' object has no attribute '(\w+)'")
    if match is None or match[1] != type(facts.module).__name__:
        return ""
    module, missing = facts.module, match[2]
    if missing in ("_modules", "_parameters", "_buffers"):
        return f"Call super().__init__() first in {match[1]}.__init__."
    if inspect.getattr_static(type(module), missing, None) is not None:
        return f"{facts.name} has {missing}, a property whose own code raised an AttributeError."
    own = {*vars(module), *dir(type(module))} - {*dir(nn.Module), "training"}
    known = [*module._modules, *module._parameters, *module._buffers, *sorted(own)]
    near = did_you_mean(missing, [name for name in known if not name.startswith("_")])
    set_it = f"{facts.name} has no {missing}: set self.{missing} in __init__."
    return f"{facts.name} has no {missing}. {near}" if near else set_it


def never_set(facts: Facts) -> str:
    """A part that is None still, used as if it were a layer."""
    if not facts.says(r"'NoneType' object (?:is not|has no)"):
        return ""
    parts = {**vars(facts.module), **facts.module._modules}
    used = re.findall(r"\bself\.(\w+)", facts.line)
    empty = [name for name in used if name in parts and parts[name] is None]
    return f"self.{empty[0]} is None: set it in __init__ before it is used." if empty else ""


def held_under_another_key(facts: Facts) -> str:
    """A key that an nn.ModuleDict of the module has not."""
    if not isinstance(facts.error, KeyError):
        return ""
    for name, part in facts.module._modules.items():
        if isinstance(part, nn.ModuleDict) and f"self.{name}[" in facts.line:
            keys, wanted = list(part), facts.error.args[0]
            near = did_you_mean(str(wanted), keys) or f"It has {', '.join(keys) or 'none'}."
            return f"self.{name} has no {wanted!r}. {near}"
    return ""


def calls_itself(facts: Facts) -> str:
    """A forward that never comes to an end."""
    if isinstance(facts.error, RecursionError) and re.search(r"\bself\(", facts.line):
        return f"{facts.name} calls itself in its own forward: call one of its layers."
    return ""


def not_callable(facts: Facts) -> str:
    """A list of layers, called as if it were one."""
    match = facts.says(r"^'(list|tuple|dict)' object is not callable")
    if match is None:
        return ""
    held = [name for name, value in vars(facts.module).items() if _holds_modules(value, match[1])]
    if len(held) != 1 or f".{held[0]}" not in (facts.line or f".{held[0]}"):
        return ""
    return (
        f"self.{held[0]} is a plain {match[1]} of layers: call each of them in a loop, and make it "
        f"an nn.{'ModuleDict' if match[1] == 'dict' else 'ModuleList'}, so that their weights are "
        "trained and moved."
    )


def _holds_modules(value: object, kind: str) -> bool:
    if type(value).__name__ != kind or not isinstance(value, (list, tuple, dict)):
        return False
    parts = list(value.values() if isinstance(value, dict) else value)
    return bool(parts) and all(isinstance(part, nn.Module) for part in parts)
