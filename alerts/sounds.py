"""What a recording is, told by its content and never by its name: WAV or MP3, and for how many seconds it plays. Anything else is none.

Pure: bytes in, facts out. Notes fetched from the provider and recordings of the operator's own pass through here before they are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

MP3, WAV = "audio/mpeg", "audio/wav"
#: What WAV may hold: plain samples, and the two packings of telephones.
_WAV_FORMATS = (1, 6, 7)
_MPEG_1 = 3
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBITS = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_FEWEST_FRAMES = 3


@dataclass(frozen=True)
class Sound:
    """A recording that can be played: its kind, and for how long."""

    kind: str
    seconds: float


@dataclass(frozen=True)
class _Frame:
    length: int
    seconds: float


def sound_of(data: bytes) -> Sound | None:
    """What a recording is; None where it is neither WAV nor MP3, is cut off in its head, or plays nothing."""
    found = _wav(data) if data[:4] == b"RIFF" else _mp3(data)
    return found if found and found.seconds > 0 else None


def _wav(data: bytes) -> Sound | None:
    if data[8:12] != b"WAVE":
        return None
    begin, bytes_a_second = 12, 0
    while begin + 8 <= len(data):
        name, size = data[begin : begin + 4], int.from_bytes(data[begin + 4 : begin + 8], "little")
        body = data[begin + 8 : begin + 8 + size]
        if name == b"fmt " and len(body) >= 16:
            if int.from_bytes(body[:2], "little") not in _WAV_FORMATS:
                return None
            bytes_a_second = int.from_bytes(body[8:12], "little")
        elif name == b"data":
            return Sound(WAV, len(body) / bytes_a_second) if bytes_a_second else None
        begin += 8 + size + size % 2
    return None


def _mp3(data: bytes) -> Sound | None:
    """Walk from frame to frame: a few right ones in a row do not come by chance."""
    frames: list[_Frame] = []
    at = _after_tag(data)
    while (frame := _frame(data, at)) is not None:
        frames.append(frame)
        at += frame.length
    if len(frames) < _FEWEST_FRAMES:
        return None
    return Sound(MP3, sum(frame.seconds for frame in frames))


def _after_tag(data: bytes) -> int:
    """Where the first frame begins: behind the ID3 tag, whose size is written in seven bits a byte."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def _frame(data: bytes, at: int) -> _Frame | None:
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    kbits, rate = head[2] >> 4, head[2] >> 2 & 3
    if version not in _RATES or layer != 1 or kbits in (0, 15) or rate == 3:
        return None
    whole = version == _MPEG_1
    hertz, samples = _RATES[version][rate], 1152 if whole else 576
    length = samples // 8 * _KBITS[whole][kbits - 1] * 1000 // hertz + (head[2] >> 1 & 1)
    return _Frame(length, samples / hertz)
