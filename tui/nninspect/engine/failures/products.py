"""Matrix products: a Linear's features, and `@`, `bmm`, `F.linear` in a forward of the user's."""

from __future__ import annotations

from math import prod

from torch import nn

from nninspect.engine.failures.facts import Facts, Shape, by, flattened, ints, set_instead

_FOLDED = r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)"
_ON_META = r"same reduction dim, but got \[(\d+), (\d+)\] X \[(\d+), (\d+)\]"
_BATCHED = r"first two dimensions of batch2 tensor to be: (\[[^]]*\]) but got: (\[[^]]*\])"
_VECTOR = r"size mismatch, got input \(.*?(\d+)x(\d+)\), vec \((\d+)\)"


def product(facts: Facts) -> str:
    """Features of a Linear or of attention; else the two operands of a product."""
    if facts.is_plain(nn.Linear):
        return _linear(facts)
    if facts.is_plain(nn.MultiheadAttention):
        return _attention(facts)
    if facts.is_plain(nn.Bilinear):
        return _bilinear(facts)
    return _operands(facts)


def _linear(facts: Facts) -> str:
    module, got = facts.module, facts.got
    assert isinstance(module, nn.Linear)
    wanted = module.in_features
    if not got or module.weight.shape[-1] != wanted or got[-1] == wanted:
        return ""
    says = f"{facts.name} expects in_features={wanted} and got {got[-1]}"
    if len(got) == 2 and (image := _flattened_without_batch(facts, got, wanted)):
        return (
            f"{says}: what came before it gave {image}, without a batch dimension, and the flatten "
            f"left {got}: add one to the input with x.unsqueeze(0)."
        )
    if len(got) == 2 and (image := flattened(facts, got)):
        return (
            f"{says}: the flatten before it gives {by(image)} = {got[-1]}; set "
            f"in_features={got[-1]}."
        )
    if recurrent := _both_ways(facts, got[-1], wanted):
        return f"{says}, in {got}: {recurrent} set in_features={got[-1]}."
    if len(got) > 2 and prod(got[1:]) == wanted:
        return (
            f"{says}, in {got}: flatten it first, torch.flatten(x, 1) gives "
            f"{by(got[1:])} = {wanted}."
        )
    if len(got) > 2 and (place := _one_place(got, wanted)) is not None:
        return (
            f"{says}, in {got}: dimension {place} has the {wanted}, so bring it last with "
            f"x.movedim({place}, -1)."
        )
    if len(got) == 4:
        return (
            f"{says}, in {got}: flatten it first, torch.flatten(x, 1) gives {by(got[1:])} = "
            f"{prod(got[1:])}, and set in_features={prod(got[1:])}; or set in_features={got[-1]}, "
            "to apply it to the last dimension alone."
        )
    return set_instead(facts.name, "in_features", wanted, got, -1)


def _flattened_without_batch(facts: Facts, got: Shape, wanted: int) -> Shape | None:
    """The image before a flatten that took its channels for the batch."""
    ended = (found for step in reversed(facts.earlier) for found in (step.outputs, step.inputs))
    shapes = (found[0].shape for found in ended if found and len(found) == 1)
    before = next((shape for shape in shapes if shape != got), ())
    fits = len(before) == 3 and prod(before) == wanted and got == (before[0], prod(before[1:]))
    return before if fits else None


def _both_ways(facts: Facts, got: int, wanted: int) -> str:
    """Why a recurrent layer before it gives twice as much as was wanted."""
    latest = next((step for step in reversed(facts.earlier) if hasattr(step, "module")), None)
    module = getattr(latest, "module", None)
    if not isinstance(module, nn.RNNBase) or not module.bidirectional or got != 2 * wanted:
        return ""
    return f"{facts.names.get(id(module), 'the layer before it')} is bidirectional and gives both,"


def _one_place(got: Shape, wanted: int) -> int | None:
    """The only dimension after the batch that has the size."""
    places = [place for place in range(1, len(got) - 1) if got[place] == wanted]
    return places[0] if len(places) == 1 else None


def _attention(facts: Facts) -> str:
    module = facts.module
    assert isinstance(module, nn.MultiheadAttention)
    arguments = (("embed_dim", module.embed_dim), ("kdim", module.kdim), ("vdim", module.vdim))
    given = {tensor.key: tensor.shape for tensor in facts.inputs}
    for word, (argument, wanted) in zip(("query", "key", "value"), arguments, strict=True):
        got = given.get(word)
        if got and got[-1] != wanted:
            return (
                f"{facts.name} expects {argument}={wanted} and its {word} has {got[-1]}, in {got}: "
                f"set {argument}={got[-1]}, or change what comes before it."
            )
    return ""


def _bilinear(facts: Facts) -> str:
    module = facts.module
    assert isinstance(module, nn.Bilinear)
    wanted = (module.in1_features, module.in2_features)
    for place, (tensor, size) in enumerate(zip(facts.inputs, wanted, strict=False), 1):
        if tensor.shape and tensor.shape[-1] != size:
            return set_instead(facts.name, f"in{place}_features", size, tensor.shape, -1)
    return ""


def _operands(facts: Facts) -> str:
    """From the message, which has the operands as they met, leading dimensions folded."""
    if said := _functional_linear(facts):
        return said
    if match := facts.says(_FOLDED) or facts.says(_ON_META):
        return _matrices(facts, *map(int, match.groups()))
    if match := facts.says(_VECTOR):
        rows, columns, length = map(int, match.groups())
        return (
            f"The matrix is {rows}x{columns} and the vector has {length}: it needs {columns}."
            if columns != length
            else ""
        )
    if match := facts.says(_BATCHED):
        return _batches(ints(match[1]), ints(match[2]))
    return ""


def _functional_linear(facts: Facts) -> str:
    """`F.linear`, whose weight is (outputs, inputs)."""
    if getattr(facts.op, "name", "") != "linear" or facts.op is None or len(facts.op.inputs) < 2:
        return ""
    got, weight = (tensor.shape for tensor in facts.op.inputs[:2])
    if not got or len(weight) != 2 or got[-1] == weight[1]:
        return ""
    image = flattened(facts, got) if len(got) == 2 else None
    reason = f": the flatten before it gives {by(image)} = {got[-1]}" if image else ""
    return (
        f"F.linear got {got} and a weight of {weight}, which is (outputs, inputs){reason}; make "
        f"the weight ({weight[0]}, {got[-1]})."
    )


def _matrices(facts: Facts, rows: int, inner: int, other: int, columns: int) -> str:
    says = (
        f"The product of {rows}x{inner} and {other}x{columns} does not exist: the {inner} columns "
        f"of the first must be as many as the {other} rows of the second."
    )
    if columns == inner and other != inner:
        return f"{says} The second one transposed, with .T, fits."
    if image := flattened(facts, (rows, inner)):
        return f"{says} The flatten before it gives {by(image)} = {inner}."
    return says


def _batches(wanted: Shape, got: Shape) -> str:
    if len(wanted) != 2 or len(got) != 2:
        return ""
    if wanted[0] != got[0]:
        return f"The first operand is a batch of {wanted[0]} and the second one of {got[0]}."
    return (
        f"Each matrix of the first operand has {wanted[1]} columns, and each of the second has "
        f"{got[1]} rows: they must be equal. If they are keys or queries, transpose the second "
        "with .transpose(-2, -1)."
    )
