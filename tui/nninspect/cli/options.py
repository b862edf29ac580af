"""The options that several commands share, and the setup they make."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TypeVar

import msgspec

from nninspect.checkpoint.names import names_checkpoint
from nninspect.cli.exit_codes import MEANINGS
from nninspect.errors import BadTarget, UsageError
from nninspect.protocol.records import Setup
from nninspect.text.bench_plan import batch_size
from nninspect.text.inputs import FLOAT_DTYPES, parse_input, parse_setting

T = TypeVar("T")

TARGETS = """\
targets:
  resnet-small                a bundled network; `nninspect list` has them all
  path/to/net.py:Net          a class, a factory or a model in a file
  package.module:make_net     the same in an importable module
  torchvision:resnet50        that library's, as timm:…, where it is installed
  hf:DIR, a config.json       a transformers model from its config, without weights
  model.safetensors           a file of weights, as .pt, .pth, .pt2, .gguf, an index, a directory:
                              read by its header alone; also nninspect summary FILE --model TARGET
"""

EXIT_CODES = "exit codes:\n" + "\n".join(
    f"  {code:<4}{meaning}" for code, meaning in MEANINGS.items()
)


def command_parser(command: str, description: str, examples: str) -> argparse.ArgumentParser:
    """A parser whose help ends with examples, targets and exit codes."""
    indented = "\n".join(f"  {line}" for line in examples.strip().splitlines())
    return argparse.ArgumentParser(
        prog=f"nninspect {command}".strip(),
        description=description,
        epilog=f"examples:\n{indented}\n\n{TARGETS}\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def add_setup_options(parser: argparse.ArgumentParser, *, one_batch: bool = True) -> None:
    """Everything that makes a `Setup`, the target aside."""
    add = parser.add_argument_group("what to look at, and how").add_argument
    add(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        dest="settings",
        help="an argument of the class or factory; repeatable",
    )
    add(
        "--input",
        metavar="[NAME=][DTYPE[LOW:HIGH]:]SHAPE",
        action="append",
        default=[],
        dest="inputs",
        help="an input of forward, batch first, as 1,3,224,224 or int64:1x128 or "
        "mask=bool:1x128 or int64[0:1000]:1x128; repeatable",
    )
    if one_batch:
        add("--batch", metavar="N", type=typed(batch_size), help="the batch size of every input")
    add(
        "--device",
        metavar="DEVICE",
        default="cpu",
        help="where the model runs: cpu (default), cuda:0, mps, xpu:0 …",
    )
    add("--dtype", choices=FLOAT_DTYPES, help="convert the model and its float inputs")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--train", action="store_true", help="run the forward in train mode")
    mode.add_argument("--eval", action="store_true", help="in eval mode (default)")
    add_traceback_option(parser)


def add_json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_traceback_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--traceback", action="store_true", help="print the traceback of a failure")


def setup_of(options: argparse.Namespace) -> Setup:
    """The setup that the options make. Raises BadInput or BadSetting."""
    return Setup(
        target=options.target,
        settings=tuple(map(parse_setting, options.settings)),
        inputs=tuple(map(parse_input, options.inputs)),
        batch=getattr(options, "batch", None),
        device=options.device,
        dtype=options.dtype,
        training=options.train,
    )


def add_model_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", metavar="TARGET", help="compare a file of weights with this model"
    )


def model_of(options: argparse.Namespace, setup: Setup) -> Setup | None:
    """The model that a file of weights is compared with, on meta: its shapes are wanted, not its
    values. Raises BadTarget where the setup names no such file."""
    model = getattr(options, "model", None)
    if model is None:
        return None
    if not names_checkpoint(setup.target):
        raise BadTarget(f"{setup.target} is no file of weights", "--model goes with one")
    return msgspec.structs.replace(setup, target=model, device="meta")


def typed(read: Callable[[str], T]) -> Callable[[str], T]:
    """A reader for argparse: what it raises becomes argparse's own error."""

    def parse(text: str) -> T:
        try:
            return read(text)
        except UsageError as error:
            raise argparse.ArgumentTypeError(f"{error.message}: {error.hint}") from None

    return parse
