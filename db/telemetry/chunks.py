"""Packs up to 4,096 readings of one series into bytes, and back, without losing a bit.

Times and values are kept as differences, each in as few bytes as the largest needs, the bytes of
equal weight side by side, all of it compressed with zstd.  Values that are decimal numbers in
truth (21.53) are kept as whole numbers; any others by what differs from the bits of the one
before.
"""

import struct
import threading

import numpy as np
import zstandard
from numpy.typing import NDArray

from db.telemetry.buckets import PART, Parts
from db.telemetry.records import Floats, Times

FULL = 4096  # readings a chunk
PART_READINGS = 256  # readings a part of the summary
HEAD = struct.Struct("<BBBBIqQ")  # version, decimals, widths, count, first time, first value
VERSION = 1
BITS = 255  # in place of decimals: any floating-point numbers
MAX_DECIMALS = 6
EXACT = 2.0**53

Words = NDArray[np.uint64]

_local = threading.local()


def encode(t: Times, v: Floats) -> bytes:
    """Return readings in order of time as bytes."""
    decimals, whole = _fixed_point(v)
    if whole is None:
        bits = v.view(np.uint64)
        first, steps = int(bits[0]), bits[1:] ^ bits[:-1]
    else:
        first, steps = int(whole[0].view(np.uint64)), _zigzag(np.diff(whole))
    pauses = np.diff(t).astype(np.uint64)
    wide_t, packed_t = _pack(pauses)
    wide_v, packed_v = _pack(steps)
    head = HEAD.pack(VERSION, decimals, wide_t, wide_v, len(t), int(t[0]), first)
    return head + _compressor().compress(packed_t + packed_v)


def decode(body: bytes) -> tuple[Times, Floats]:
    """Return the times and values of a chunk.

    Raises:
        ValueError: not a chunk, or of a later version.
    """
    version, decimals, wide_t, wide_v, n, t0, first = HEAD.unpack_from(body)
    if version != VERSION:
        raise ValueError(f"a chunk of version {version} cannot be read")
    data = _decompressor().decompress(body[HEAD.size :], max_output_size=16 * n + 16)
    cut = wide_t * (n - 1)
    t = np.empty(n, np.int64)
    t[0] = t0
    t[1:] = _unpack(data[:cut], wide_t, n - 1)
    np.cumsum(t, out=t)
    words = np.empty(n, np.uint64)
    words[0] = first
    words[1:] = _unpack(data[cut:], wide_v, n - 1)
    if decimals == BITS:
        return t, np.bitwise_xor.accumulate(words).view(np.float64)
    steps = words.view(np.int64)
    steps[1:] = _unzigzag(words[1:])
    return t, np.cumsum(steps) / 10.0**decimals


def summary(t: Times, v: Floats) -> Parts:
    """Return every 256 readings summed up."""
    starts = np.arange(0, len(t), PART_READINGS)
    ends = np.append(starts[1:], len(t))
    return Parts(
        t[starts],
        t[ends - 1],
        ends - starts,
        np.minimum.reduceat(v, starts),
        np.maximum.reduceat(v, starts),
        np.add.reduceat(v, starts),
    )


def pack_summary(parts: Parts) -> bytes:
    """Return parts as bytes; those of several chunks may simply be put one after the other."""
    rows = np.empty(len(parts), PART)
    for name in PART.names or ():
        rows[name] = getattr(parts, name)
    return rows.tobytes()


def unpack_summaries(packed: bytes) -> Parts:
    """Return the parts of any number of summaries."""
    return Parts.from_rows(np.frombuffer(packed, PART))


def _fixed_point(v: Floats) -> tuple[int, NDArray[np.int64] | None]:
    """Return values as whole numbers of 10^-decimals, if that is exactly what they are."""
    if not np.signbit(v[v == 0]).any():  # a whole number has no minus zero
        for decimals in range(MAX_DECIMALS + 1):
            scaled = np.rint(v * 10.0**decimals)
            if np.abs(scaled).max() >= EXACT:
                break
            if (scaled / 10.0**decimals == v).all():
                return decimals, scaled.astype(np.int64)
    return BITS, None


def _zigzag(steps: NDArray[np.int64]) -> Words:
    return ((steps << 1) ^ (steps >> 63)).view(np.uint64)


def _unzigzag(words: Words) -> NDArray[np.int64]:
    one = np.uint64(1)
    return (words >> one).view(np.int64) ^ -(words & one).view(np.int64)


def _pack(words: Words) -> tuple[int, bytes]:
    """Return how many bytes each word needs, and the words byte by byte."""
    width = max(1, (int(words.max()).bit_length() + 7) // 8) if len(words) else 1
    columns = words.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width]
    return width, np.ascontiguousarray(columns.T).tobytes()


def _unpack(data: bytes, width: int, n: int) -> Words:
    columns = np.zeros((n, 8), np.uint8)
    columns[:, :width] = np.frombuffer(data, np.uint8, width * n).reshape(width, n).T
    return columns.view("<u8").reshape(n)


def _compressor() -> zstandard.ZstdCompressor:
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=3)
    made: zstandard.ZstdCompressor = _local.compressor
    return made


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    made: zstandard.ZstdDecompressor = _local.decompressor
    return made
