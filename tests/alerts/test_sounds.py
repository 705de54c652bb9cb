"""A recording is told by its content: what is cut, garbled or something else is none, and nothing crashes the reader."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.sounds import MP3, WAV, sound_of
from tests.fake_twilio_recordings import mp3, wav


def test_wav_and_mp3_are_known_with_their_length() -> None:
    found = sound_of(wav(1.5))
    assert found is not None
    assert (found.kind, found.seconds) == (WAV, 1.5)
    tagged = b"ID3\x04\x00\x00\x00\x00\x02\x01" + bytes(257) + mp3(50)
    for data in (mp3(50), tagged):
        heard = sound_of(data)
        assert heard is not None
        assert (heard.kind, round(heard.seconds, 2)) == (MP3, 1.8)


def test_anything_else_is_no_sound() -> None:
    for data in (
        b"",
        b"ID3",
        b"RIFF\x00\x00\x00\x00WAVE",
        wav()[:20],
        wav(0),
        wav().replace(
            b"\x01\x00\x01\x00", b"\x55\x00\x01\x00", 1
        ),  # a WAV that holds something packed otherwise
        mp3(2),
        b"\xff\xfb\x90\x00" + bytes(400),
        b"<html>" + mp3(50),
        b"GIF89a" + bytes(100),
    ):
        assert sound_of(data) is None, data[:20]


@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"RIFF\x10\x00\x00\x00WAVEfmt ", b"ID3\x04\x00\x00", mp3(5), wav(0.01)]),
)
def test_no_bytes_crash_the_reader(data: bytes, begin: bytes) -> None:
    found = sound_of(begin + data)
    assert found is None or (found.kind in (MP3, WAV) and found.seconds > 0)
