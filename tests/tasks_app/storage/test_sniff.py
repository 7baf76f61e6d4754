"""What a file is, by its first bytes."""

import json

import pytest

from tasks_app.storage import sniff


def ftyp(major, *compatible):
    brands = b"".join(compatible)
    return (16 + len(brands)).to_bytes(4) + b"ftyp" + major + bytes(4) + brands + b"\x00\x00\x00\x08mdat"


class TestPicturesVideosAndSounds:
    @pytest.mark.parametrize(
        ("head", "expected"),
        [
            (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"),
            (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
            (b"GIF87a..", "image/gif"),
            (b"GIF89a..", "image/gif"),
            (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
            (b"RIFF\x10\x00\x00\x00WAVEfmt ", "audio/wav"),
            (b"RF64\xff\xff\xff\xffWAVEds64", "audio/wav"),
            (ftyp(b"avif", b"mif1"), "image/avif"),
            (ftyp(b"mif1", b"mif1", b"avif"), "image/avif"),
            (ftyp(b"isom", b"iso2", b"avc1"), "video/mp4"),
            (ftyp(b"mp42"), "video/mp4"),
            (ftyp(b"iso6"), "video/mp4"),
            (ftyp(b"qt  "), "video/quicktime"),
            (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", "video/quicktime"),
            (ftyp(b"M4A "), "audio/mp4"),
            (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "video/webm"),
            (b"ID3\x04\x00\x00", "audio/mpeg"),
            (b"\xff\xfb\x90\x64\x00", "audio/mpeg"),
            (b"OggS\x00\x02", "audio/ogg"),
        ],
    )
    def test_are_told_by_their_magic(self, head, expected):
        assert sniff.content_type(head) == expected


class TestText:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Once upon a time", "text/plain"),
            ("从前有座山。", "text/plain"),
            ("\ufeffa mark of the byte order", "text/plain"),
            ("<html><script>alert(1)</script>", "text/plain"),
            ("<svg xmlns='http://www.w3.org/2000/svg'/>", "text/plain"),
            ("#EXTM3U\nfile:///etc/passwd", "text/plain"),
            ('{"a": [1, 2]}', "application/json"),
            ("[]", "application/json"),
            ('{"a": ', "text/plain"),
            ('"a"', "text/plain"),
            ("[" * 100_000, "text/plain"),
            ("WEBVTT\n\n00:01.000 --> 00:02.000\nHello", "text/vtt"),
            ("[Script Info]\nScriptType: v4.00+\n", "text/x-ssa"),
            ("1\n00:00:00,000 --> 00:00:02,500\nHello", "application/x-subrip"),
            ("\ufeff1\r\n00:00:00,000 --> 00:00:02,500\r\n你好", "application/x-subrip"),
        ],
    )
    def test_is_told_by_what_it_says(self, text, expected):
        assert sniff.content_type(text.encode(), is_whole=True) == expected

    def test_may_be_cut_within_a_character_where_more_follows(self):
        head = "字".encode()[:2]
        assert sniff.content_type(b"a" + head) == "text/plain"
        assert sniff.content_type(b"a" + head, is_whole=True) is None

    def test_of_a_long_json_is_told_by_its_start(self):
        assert sniff.content_type(json.dumps([{"a": 1}] * 9).encode()[:20]) == "application/json"


class TestNothingThatWeKeep:
    @pytest.mark.parametrize(
        "head",
        [
            b"",
            b" \n",
            b"MZ\x90\x00",
            b"\x7fELF\x02",
            b"PK\x03\x04\x14\x00\x00\x00",
            b"%PDF-1.7\n\xe2\xe3",
            b"II*\x00\x08\x00\x00\x00",
            b"RIFF\x10\x00\x00\x00AVI ",
            b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x88matroska",
            b"\xff\xfe\x31\x00",  # UTF-16 looks a little like a frame of MP3
            b"\xff\xf1\x50\x80",  # so does AAC
            b"text\x00text",
            b"caf\xe9",
            ftyp(b"heic", b"mif1", b"heic"),
        ],
    )
    def test_is_given_a_name(self, head):
        assert sniff.content_type(head, is_whole=True) is None
