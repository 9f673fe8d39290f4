"""Text in UTF-16, as spreadsheets write it, turned into UTF-8 on the way."""

from __future__ import annotations

import codecs
import io
from typing import IO, Any

CHUNK = 2**16
HEAD = 128


def utf16_of(head: bytes) -> str | None:
    """The UTF-16 encoding that the first bytes of a file speak of, or None."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    first, second = head[::2], head[1::2]
    for zeros, others, encoding in ((second, first, "utf-16-le"), (first, second, "utf-16-be")):
        if len(head) > 3 and 0 not in others and zeros.count(0) > 0.75 * len(zeros):
            return encoding
    return None


def as_utf8(stream: io.BufferedReader[Any]) -> io.BufferedReader[Any]:
    """The stream in UTF-8; it stays as it is where it is not in UTF-16."""
    encoding = utf16_of(stream.peek(HEAD)[:HEAD])
    return stream if encoding is None else io.BufferedReader(_Transcoded(stream, encoding), CHUNK)


class _Transcoded(io.RawIOBase):
    """A stream of another encoding, read as UTF-8."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._held:
            data = self._stream.read(CHUNK)
            self._held = self._decoder.decode(data, not data).encode()
            if not data:
                break
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        return count
