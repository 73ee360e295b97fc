"""What reading a pickle would take, added up before torch's restricted unpickler reads it.

That one runs no code of a file's, yet lets a kilobyte ask for gigabytes: to copy one long list a
million times, or to hash a tuple of tuples in which each level names the one before twice. Here the
same operations are followed in the same order, with sizes for objects.
"""

_PUSHED = {  # operation: bytes that follow it
    **dict.fromkeys(b"N\x88\x89)", 0),  # there is one empty tuple, as there is one None
    **dict(zip(b"KMJG", (1, 2, 4, 8), strict=True)),
}
_EMPTY = b"]}\x8f"
_PROTOCOL = 0x80
_TUPLES = {0x85: 1, 0x86: 2, 0x87: 3}
_TEXT = 64
"""Bytes of a text that count as one object."""
_FREE = 100_000
_MOST = 1 << 60
"""Of what a nested tuple weighs: enough to be refused, and no number without end."""


class Insatiable(Exception):
    """A pickle that takes out of all proportion, or asks for what may take anything."""


def scan_pickles(data: bytes, count: int, forbidden: frozenset[bytes], *, most: int) -> None:
    """Follow pickles that stand one after another, up to one without an end.

    Args:
        data: a file's beginning.
        count: how many there are.
        forbidden: names of functions that fill any amount of memory for whoever asks.
        most: bytes within which they have to end; `data` is longer where the file is.

    Raises:
        Insatiable: one of them is.
    """
    place, whole = 0, True
    while whole and count:
        scan = _Scan(data, place, forbidden)
        whole = scan.run()
        place, count = scan.place, count - 1
    if not whole and len(data) > most:
        raise Insatiable("more objects than any weights have")


class _Weighed:
    """An object by how many there are in it; of a container, of late; of a tuple, all the way."""

    __slots__ = ("items", "weight")

    def __init__(self, weight: int = 1, items: "tuple[_Weighed, ...]" = ()) -> None:
        self.weight = weight
        self.items = items


_ONE = _Weighed()


class _Scan:
    """Follows the operations of one pickle.

    Args:
        data: bytes that hold it.
        place: where it begins.
        forbidden: names of functions that fill any amount of memory for whoever asks.
    """

    def __init__(self, data: bytes, place: int, forbidden: frozenset[bytes]) -> None:
        self._data = data
        self._forbidden = forbidden
        self._begin = self.place = place
        self._stack: list[_Weighed] = []
        self._marks: list[int] = []
        self._memo: dict[int, _Weighed] = {}
        self._spent = 0

    def run(self) -> bool:
        """Follow it to its end; return whether it has one.

        What torch does not read, and what is no pickle, ends it: torch stops at the same place.

        Raises:
            Insatiable: it is.
        """
        try:
            while (code := self._data[self.place]) != ord("."):
                self.place += 1
                if not (self._step(code) or self._push(code)):
                    return False
                if self._spent > _FREE + (self.place - self._begin) // 2:
                    raise Insatiable("far more objects than it describes")
        except (IndexError, KeyError):
            return False
        self.place += 1
        return True

    def _step(self, code: int) -> bool:
        """Follow what works on the objects there are; return whether it was such an operation."""
        if code in b"qrhj":
            self._remember(code)
        elif code == ord("("):
            self._marks.append(len(self._stack))
        elif code in b"aesu":
            self._fill(code)
        elif code in b"R\x81b":
            self._call(code)
        elif code == ord("Q"):
            self._stack[-1] = _ONE
        elif code == _PROTOCOL:
            self.place += 1
        else:
            return False
        return True

    def _push(self, code: int) -> bool:
        """Follow what makes an object; return whether it was such an operation."""
        if code in _PUSHED:
            self.place += _PUSHED[code]
            made = _ONE
        elif code in b"XU\x8a":
            made = _Weighed(1 + self._text(code) // _TEXT)
        elif code in _EMPTY:
            self._spent += 1
            made = _Weighed()
        elif code == ord("t") or code in _TUPLES:
            items = self._taken(_TUPLES.get(code))
            self._spent += 1
            made = _Weighed(min(_MOST, 1 + sum(i.weight for i in items)), tuple(items))
        elif code == ord("c"):
            made = self._named()
        else:
            return False
        self._stack.append(made)
        return True

    def _remember(self, code: int) -> None:
        """BINPUT, LONG_BINPUT, BINGET, LONG_BINGET."""
        size = 1 if code in b"qh" else 4
        number = int.from_bytes(self._data[self.place : self.place + size], "little")
        self.place += size
        if code in b"qr":
            self._memo[number] = self._stack[-1]
        else:
            self._stack.append(self._memo[number])

    def _text(self, code: int) -> int:
        """BINUNICODE, SHORT_BINSTRING, LONG1: pass over it, and return its length."""
        size = 4 if code == ord("X") else 1
        length = int.from_bytes(self._data[self.place : self.place + size], "little")
        self.place += size + length
        return length

    def _taken(self, count: int | None = None) -> list[_Weighed]:
        """Take so many objects from the stack; None: down to the last mark."""
        begin = self._marks.pop() if count is None else len(self._stack) - count
        if begin < 0:
            raise IndexError
        items = self._stack[begin:]
        del self._stack[begin:]
        return items

    def _fill(self, code: int) -> None:
        """APPEND, APPENDS, SETITEM, SETITEMS: keys are hashed, a tuple's parts each time anew."""
        items = self._taken({ord("a"): 1, ord("s"): 2}.get(code))
        if code in b"su":
            self._spent += sum(key.weight if key.items else 1 for key in items[::2])
        if self._stack[-1] is not _ONE:
            self._stack[-1].weight += len(items)

    def _call(self, code: int) -> None:
        """REDUCE, NEWOBJ, BUILD: what is called may copy whatever it is given."""
        given = self._stack.pop()
        cost = sum(item.weight for item in given.items) if given.items else given.weight
        self._spent += cost
        if code != ord("b"):
            self._stack[-1] = _Weighed(1 + cost)

    def _named(self) -> _Weighed:
        """GLOBAL: two lines, a module and a name in it."""
        first = self._data.find(b"\n", self.place)
        second = self._data.find(b"\n", first + 1)
        if first < 0 or second < 0:
            raise IndexError
        if (name := self._data[first + 1 : second]) in self._forbidden:
            raise Insatiable(f"a {name.decode()}, which takes whatever memory it is told to")
        self.place = second + 1
        return _Weighed()
