"""What the doctor is asked and what it found: plan, findings, and the rules that did not run."""

from __future__ import annotations

import enum

import msgspec

from nninspect.protocol.bench import BenchResult
from nninspect.protocol.records import Record, Setup

DEADLINE_S = 60.0
"""Seconds that a check may take, unless asked otherwise."""


class Severity(enum.IntEnum):
    """How sure it is that something must change; ordered."""

    INFO = 0
    """Worth knowing; may be meant."""
    WARNING = 1
    """Hardly meant: it costs accuracy, speed or memory."""
    ERROR = 2
    """It fails, or can't learn what it is meant to."""

    @property
    def word(self) -> str:
        return self.name.lower()


class Finding(Record, frozen=True):
    """One mistake, where it is and what to do about it."""

    code: str
    name: str
    """Of the rule, lower-case words joined by hyphens: "sigmoid-hidden"."""
    severity: Severity
    seen: str
    """What was observed, with numbers; a sentence."""
    why: str = ""
    """Why it matters, a sentence."""
    change: str = ""
    """What to write instead, as code where it can be."""
    path: str = ""
    """The path of its row in the layer tree, a module's or an op's; "" for the root."""
    file: str = ""
    """The user's source file; "" where it is not known."""
    line: int = 0
    """The line in it, from 1; 0 where it is not known."""
    related: tuple[str, ...] = ()
    """Paths of the other rows that it is about."""

    @property
    def family(self) -> str:
        """ "NN2xx" of NN203."""
        return f"{self.code[:3]}xx"


class SkippedRule(Record, frozen=True):
    """A rule that could not look, and why, a sentence."""

    code: str
    reason: str


CHECKING = "checking "
"""How the stages of a check begin in which rules are asked."""


class CheckPlan(Record, frozen=True):
    """What to check for. Codes may be prefixes: "NN2" is a whole family."""

    loss: str = ""
    """The name in `torch.nn.functional`, see `LOSSES`, or the path of a file in which the model is
    trained; "" takes the model card's, if any."""
    task: str = ""
    """One of `TASKS`; "" takes the model card's, if any."""
    select: tuple[str, ...] = ()
    """Only these; () is all of them."""
    ignore: tuple[str, ...] = ()
    seconds: float = DEADLINE_S
    sweep: BenchResult | None = None
    """A saved benchmark of the model, for advice on the batch size."""
    expect_params: int | None = None
    expect_output: tuple[int, ...] | None = None
    reload: bool = False
    """Read the user's files again and build the model anew."""
    died: tuple[str, ...] = ()
    """What ended the worker in earlier tries of this check. After one it is looked at without
    probes; after two without any forward."""


class CheckResult(Record, frozen=True):
    """Everything that one check of a model found."""

    setup: Setup
    """As it was asked for."""
    title: str
    """The class name of the model; "" where none could be built."""
    findings: tuple[Finding, ...] = ()
    """The gravest first."""
    suppressed: int = 0
    """Findings that a comment in the source silenced."""
    ran: int = 0
    """Rules that looked."""
    skipped: tuple[SkippedRule, ...] = ()
    loss: str = ""
    """As it was used; "" where it is not known."""
    loss_from: str = ""
    """Where it was read, as "train.py:5"; "" where it was said."""
    task: str = ""
    inputs_from: str = ""
    """Where the inputs came from, as in `Inspection`; "" where no forward ran."""
    seconds: float = 0.0

    def count(self, severity: Severity) -> int:
        """Findings of exactly that severity."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def worst(self) -> Severity | None:
        """The gravest severity; None without findings."""
        return max((finding.severity for finding in self.findings), default=None)


REGRESSION = "regression"
BINARY = "binary classification"
MULTI_CLASS = "multi-class classification"
TASKS = (REGRESSION, BINARY, MULTI_CLASS)
"""What the outputs are for."""

LOSSES = {
    "mse": "mse_loss",
    "l1": "l1_loss",
    "smooth_l1": "smooth_l1_loss",
    "huber": "huber_loss",
    "cross_entropy": "cross_entropy",
    "nll": "nll_loss",
    "bce": "binary_cross_entropy",
    "bce_with_logits": "binary_cross_entropy_with_logits",
}
"""What a loss may be called for short, and its name in `torch.nn.functional`."""


def loss_named(text: str) -> str | None:
    """The functional name of a loss: of "mse", "mse_loss", "MSELoss" or "nn.MSELoss"."""
    wanted = _squeezed(text.rpartition(".")[2])
    for short, name in LOSSES.items():
        if wanted in (_squeezed(short), _squeezed(name)):
            return name
    return None


def is_training_file(text: str) -> bool:
    """Whether it names a script or a notebook that has the loss, rather than the loss."""
    return text.endswith((".py", ".ipynb"))


def task_named(text: str) -> str | None:
    """The task of that name, or of a beginning of it: "binary", "multi-class"."""
    wanted = _squeezed(text)
    found = [task for task in TASKS if wanted and _squeezed(task).startswith(wanted)]
    return found[0] if len(found) == 1 else None


def _squeezed(text: str) -> str:
    """Without case and separators, and without "loss" at its end: names differ in these only."""
    plain = "".join(letter for letter in text.lower() if letter.isalnum())
    return plain.removesuffix("loss")


def worst_first(findings: list[Finding]) -> tuple[Finding, ...]:
    """By severity, then by place in the source and in the tree, so that two checks compare."""
    return tuple(
        sorted(findings, key=lambda f: (-f.severity, f.code, f.file, f.line, f.path, f.seen))
    )


def replace(finding: Finding, severity: Severity) -> Finding:
    """The same finding at another severity."""
    return msgspec.structs.replace(finding, severity=severity)
