"""Follows the opcodes of a pickle and notes what they would make: nothing is imported or called.

The opcodes are those of `pickletools.opcodes`. https://docs.python.org/3/library/pickletools.html
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pickletools import opcodes
from typing import NoReturn

from nninspect.checkpoint.budget import Budget
from nninspect.checkpoint.pickle_values import Global, Node, Persistent, Value
from nninspect.errors import BadCheckpoint

MAX_LINE = 4096
"""Bytes of a text argument."""
MAX_INTEGER = 64
"""Bytes of an integer."""
MAX_MEMO = 2**24
MAX_NAME = 512
"""Letters of a global."""
MAX_NAMES = 10_000

_RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Modules that Python 2 called otherwise."""


class Machine:
    """Reads one pickle after another from the same bytes."""

    def __init__(self, data: bytes, budget: Budget, at: int = 0) -> None:
        self.at = at
        """Where the next byte is."""
        self.names: dict[str, Global] = {}
        """Every global that was named, in this order."""
        self._data = data
        self._budget = budget
        self._stack: list[Value] = []
        self._below: list[list[Value]] = []
        self._memo: dict[int, Value] = {}
        self._handlers: list[Callable[[], None] | None] = [None] * 256
        for opcode in opcodes:
            handler = getattr(self, f"_{opcode.name.lower()}", None)
            self._handlers[ord(opcode.code)] = handler

    def run(self) -> Value:
        """The value of the next pickle. Raises BadCheckpoint."""
        self._stack, self._below, self._memo = [], [], {}
        data, handlers, step = self._data, self._handlers, self._budget.step
        try:
            while (code := data[self.at]) != _STOP:
                step()
                self.at += 1
                handler = handlers[code]
                if handler is None:
                    raise BadCheckpoint(f"the pickle has an opcode that is none: {code:#04x}")
                handler()
            self.at += 1
            return self._stack.pop()
        except IndexError:
            raise BadCheckpoint("the pickle is cut short, or takes what is not there") from None
        except (struct.error, ValueError):
            raise BadCheckpoint("the pickle has an argument that is none") from None

    # arguments

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._data):
            raise BadCheckpoint("the pickle is cut short")
        taken, self.at = self._data[self.at : end], end
        return taken

    def _number(self, count: int) -> int:
        return int.from_bytes(self._take(count), "little")

    def _line(self) -> str:
        end = self._data.find(b"\n", self.at, self.at + MAX_LINE)
        if end < 0:
            raise BadCheckpoint("the pickle has a line that does not end")
        line = self._data[self.at : end].decode("utf-8", "replace")
        self.at = end + 1
        return line

    def _integer(self, count: int) -> None:
        if count > MAX_INTEGER:
            raise BadCheckpoint(f"the pickle has an integer of {count:,} bytes")
        self._stack.append(int.from_bytes(self._take(count), "little", signed=True))

    def _text(self, count: int) -> None:
        self._stack.append(self._take(count).decode("utf-8", "replace"))

    def _raw(self, count: int) -> None:
        self._stack.append(self._take(count))

    def _marked(self) -> list[Value]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def _node(self) -> Node:
        """What is filled: the value on top."""
        top = self._stack[-1]
        if not isinstance(top, Node):
            raise BadCheckpoint("the pickle fills what can't be filled")
        return top

    def _named(self, module: Value, name: Value) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise BadCheckpoint("the pickle names a global by what is no text")
        if len(module) + len(name) > MAX_NAME or len(self.names) > MAX_NAMES:
            raise BadCheckpoint("the pickle names too many globals, or one that is too long")
        full = f"{_RENAMED.get(module, module)}.{name}"
        self._stack.append(self.names.setdefault(full, Global(full)))

    def _made(self, maker: Value, args: Value) -> None:
        if not isinstance(args, tuple):
            raise BadCheckpoint("the pickle calls with what are no arguments")
        if isinstance(maker, Persistent) and isinstance(maker.key, tuple) and len(maker.key) > 1:
            maker = maker.key[1]  # the legacy format names a module's class with its source
        kind = maker.name if isinstance(maker, Global) else "?"
        if kind in ("copyreg.__newobj__", "copyreg._reconstructor") and args:
            self._made(args[0], ())
        else:
            self._stack.append(Node(kind, args))

    def _memoized(self, place: int) -> None:
        if not 0 <= place < MAX_MEMO:
            raise BadCheckpoint("the pickle remembers more than it can")
        self._memo[place] = self._stack[-1]

    def _recall(self, place: int) -> None:
        if place not in self._memo:
            raise BadCheckpoint("the pickle recalls what it never made")
        self._stack.append(self._memo[place])

    # opcodes, by their names in pickletools

    def _proto(self) -> None:
        self._take(1)

    def _frame(self) -> None:
        self._take(8)

    def _mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _pop(self) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._marked()

    def _pop_mark(self) -> None:
        self._marked()

    def _dup(self) -> None:
        self._stack.append(self._stack[-1])

    def _none(self) -> None:
        self._stack.append(None)

    def _newtrue(self) -> None:
        self._stack.append(True)

    def _newfalse(self) -> None:
        self._stack.append(False)

    def _int(self) -> None:
        line = self._line()
        self._stack.append(line == "01" if line in ("00", "01") else self._decimal(line))

    def _long(self) -> None:
        self._stack.append(self._decimal(self._line().removesuffix("L")))

    def _decimal(self, line: str) -> int:
        if len(line) > 2 * MAX_INTEGER:
            raise BadCheckpoint("the pickle has an integer that is too long")
        return int(line)

    def _binint(self) -> None:
        self._integer(4)

    def _binint1(self) -> None:
        self._stack.append(self._number(1))

    def _binint2(self) -> None:
        self._stack.append(self._number(2))

    def _long1(self) -> None:
        self._integer(self._number(1))

    def _long4(self) -> None:
        self._integer(self._number(4))

    def _float(self) -> None:
        self._stack.append(float(self._line()))

    def _binfloat(self) -> None:
        self._stack.append(float(struct.unpack(">d", self._take(8))[0]))

    def _string(self) -> None:
        self._stack.append(self._line().strip("'\""))

    def _unicode(self) -> None:
        self._stack.append(self._line())

    def _binstring(self) -> None:
        self._text(self._number(4))

    def _short_binstring(self) -> None:
        self._text(self._number(1))

    def _short_binunicode(self) -> None:
        self._text(self._number(1))

    def _binunicode(self) -> None:
        self._text(self._number(4))

    def _binunicode8(self) -> None:
        self._text(self._number(8))

    def _short_binbytes(self) -> None:
        self._raw(self._number(1))

    def _binbytes(self) -> None:
        self._raw(self._number(4))

    def _binbytes8(self) -> None:
        self._raw(self._number(8))

    def _bytearray8(self) -> None:
        self._raw(self._number(8))

    def _empty_tuple(self) -> None:
        self._stack.append(())

    def _tuple(self) -> None:
        items = self._marked()
        self._stack.append(tuple(items))

    def _tuple1(self) -> None:
        self._stack.append((self._stack.pop(),))

    def _tuple2(self) -> None:
        last, first = self._stack.pop(), self._stack.pop()
        self._stack.append((first, last))

    def _tuple3(self) -> None:
        last, second, first = self._stack.pop(), self._stack.pop(), self._stack.pop()
        self._stack.append((first, second, last))

    def _empty_list(self) -> None:
        self._stack.append(Node("list"))

    def _empty_dict(self) -> None:
        self._stack.append(Node("dict"))

    def _empty_set(self) -> None:
        self._stack.append(Node("set"))

    def _list(self) -> None:
        self._filled("list", self._marked())

    def _frozenset(self) -> None:
        self._filled("set", self._marked())

    def _filled(self, kind: str, items: list[Value]) -> None:
        node = Node(kind)
        node.append(items)
        self._stack.append(node)

    def _dict(self) -> None:
        node = Node("dict")
        node.put(_pairs(self._marked()))
        self._stack.append(node)

    def _append(self) -> None:
        item = self._stack.pop()
        self._node().append([item])

    def _appends(self) -> None:
        items = self._marked()
        self._node().append(items)

    def _additems(self) -> None:
        self._appends()

    def _setitem(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._node().put([(key, value)])

    def _setitems(self) -> None:
        items = self._marked()
        self._node().put(_pairs(items))

    def _get(self) -> None:
        self._recall(self._decimal(self._line()))

    def _binget(self) -> None:
        self._recall(self._number(1))

    def _long_binget(self) -> None:
        self._recall(self._number(4))

    def _put(self) -> None:
        self._memoized(self._decimal(self._line()))

    def _binput(self) -> None:
        self._memoized(self._number(1))

    def _long_binput(self) -> None:
        self._memoized(self._number(4))

    def _memoize(self) -> None:
        self._memoized(len(self._memo))

    def _global(self) -> None:
        module = self._line()
        self._named(module, self._line())

    def _stack_global(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._named(module, name)

    def _reduce(self) -> None:
        args, maker = self._stack.pop(), self._stack.pop()
        self._made(maker, args)

    def _newobj(self) -> None:
        self._reduce()

    def _newobj_ex(self) -> None:
        self._stack.pop()
        self._reduce()

    def _obj(self) -> None:
        maker, *args = self._marked()
        self._made(maker, tuple(args))

    def _inst(self) -> None:
        self._global()
        maker = self._stack.pop()
        args = tuple(self._marked())
        self._made(maker, args)

    def _build(self) -> None:
        state = self._stack.pop()
        self._node().state = state

    def _persid(self) -> None:
        self._stack.append(Persistent(self._line()))

    def _binpersid(self) -> None:
        self._stack.append(Persistent(self._stack.pop()))

    def _ext1(self) -> NoReturn:
        raise BadCheckpoint("the pickle uses the extension registry, which no file of weights does")

    _ext2 = _ext4 = _ext1

    def _next_buffer(self) -> NoReturn:
        raise BadCheckpoint("the pickle has its data elsewhere, which no file of weights has")

    _readonly_buffer = _next_buffer


_STOP = ord(".")


def _pairs(items: list[Value]) -> list[tuple[Value, Value]]:
    if len(items) % 2:
        raise BadCheckpoint("the pickle has a key without a value")
    return list(zip(items[::2], items[1::2], strict=True))
