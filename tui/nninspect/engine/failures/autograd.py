"""Writing in place where autograd forbids it, and leaving torch with a gradient attached."""

from __future__ import annotations

from nninspect.engine.failures.facts import Facts


def in_place(facts: Facts) -> str:
    """What to write instead of the in-place call, or of the call that needs no gradient."""
    if facts.says("leaf Variable that requires grad is being used in an in-place operation"):
        return (
            "A parameter can't be written in place while its gradient is recorded: write "
            "`w = self.w + …`, or do it within torch.no_grad()."
        )
    if facts.says("modified by an inplace operation"):
        return (
            "The backward pass needs a value that was overwritten: write `x = x + …` for `x += …`, "
            "and inplace=False."
        )
    if facts.says(r"Can't call numpy\(\) on Tensor that requires grad"):
        return "Write x.detach().numpy(), or stay with torch functions, which keep the gradient."
    if facts.says("more than one value is ambiguous"):
        return (
            "The condition is a tensor of several values: write .any(), .all() or torch.where(…)."
        )
    return ""
