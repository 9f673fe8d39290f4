"""Compressed files as streams; whatever they unpack to, a bounded piece of it is held."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from cqtui.errors import BadInputError

BUFFER = 2**18
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
EXTRA = 'pip install "cqtui[logs]"'
# A piece of this many bytes unpacks to 8 MB at most: the format has blocks of 128 KB that take 4 bytes.
ZSTD_PIECE = 256
ZSTD_WINDOW = 2**27
# What reading a damaged file raises, and what opening one in a zip file does.
BROKEN = (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
UNOPENED = (*BROKEN, RuntimeError, NotImplementedError, ValueError)


def compression_of(head: bytes) -> str | None:
    """The compression that the first bytes of a file speak of, if it is of a single stream."""
    return "gzip" if head.startswith(GZIP) else "zstd" if head.startswith(ZSTD) else None


class SoundPart(io.RawIOBase):
    """What can be unpacked of a stream: it ends where the data are damaged.

    Attributes:
        broken: Whether it ended so.
    """

    def __init__(self, stream: IO[bytes] | io.RawIOBase | io.BufferedIOBase) -> None:
        self._stream = stream
        self.broken = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill the buffer as far as is possible."""
        try:
            data = self._stream.read(len(buffer))
        except BROKEN:
            self.broken = True
            data = b""
        buffer[: len(data or b"")] = data or b""
        return len(data or b"")


def unpacked(stream: io.BufferedReader[Any], kind: str, file: str) -> SoundPart:
    """What a stream holds in compressed form.

    Raises:
        BadInputError: The library for it is not installed.
    """
    return SoundPart(gzip.GzipFile(fileobj=stream) if kind == "gzip" else _ZstdStream(stream, file))


class _ZstdStream(io.RawIOBase):
    """Unpacks zstd: all frames of it, and notices where the last one is cut."""

    def __init__(self, stream: IO[bytes], file: str) -> None:
        try:
            import zstandard
        except ImportError as error:
            raise BadInputError(f"{file}: a zstd file needs the package zstandard.", EXTRA) from error
        self._frames = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
        self._error = zstandard.ZstdError
        self._frame = self._frames.decompressobj()
        self._stream = stream
        self._began = False
        self._packed = b""
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._held and self._unpack():
            pass
        count = min(len(buffer), len(self._held))
        buffer[:count] = self._held[:count]
        self._held = self._held[count:]
        return count

    def _unpack(self) -> bool:
        """Unpack the next piece; False at the end."""
        packed = self._packed or self._stream.read(ZSTD_PIECE)
        self._packed = b""
        if not packed:
            if self._began:
                raise EOFError("a frame is cut")
            return False
        try:
            self._held = memoryview(self._frame.decompress(packed))
        except self._error as error:
            raise EOFError(str(error)) from error
        self._began = not self._frame.eof
        if self._frame.eof:
            self._packed = self._frame.unused_data
            self._frame = self._frames.decompressobj()
        return True


class Member(NamedTuple):
    """A file in a zip file."""

    name: str
    archive: zipfile.ZipFile
    info: zipfile.ZipInfo

    def open(self) -> SoundPart:
        """Its content; raises one of ``UNOPENED`` where it cannot be unpacked, as where it is encrypted."""
        return SoundPart(self.archive.open(self.info))


def is_workbook(raw: IO[bytes]) -> bool:
    """Whether a zip file is an office document, by the list of parts that each has; raises one of ``UNOPENED``."""
    with zipfile.ZipFile(raw) as archive:
        return "[Content_Types].xml" in archive.namelist()


def zip_members(raw: IO[bytes]) -> Iterator[Member]:
    """The files in a zip file, but for hidden ones; raises one of ``UNOPENED`` where it is damaged."""
    with zipfile.ZipFile(raw) as archive:
        for info in archive.infolist():
            parts = info.filename.split("/")
            # zipfile's own is_dir takes no empty name.
            if not info.filename.endswith("/") and not any(part.startswith((".", "__MACOSX")) for part in parts):
                name = "".join(char if char.isprintable() else "?" for char in info.filename)
                yield Member(name or "?", archive, info)
