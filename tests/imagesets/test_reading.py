import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipdesk.errors import UsageError
from clipdesk.imagesets.reading import decode_image, images_in, read_image


def test_an_image_is_read_upright_in_rgb_on_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (6, 4), (255, 0, 0, 0))
    clear.putpixel((0, 0), (255, 0, 0, 255))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    clear.save(tmp_path / "a.png", exif=exif)
    found = read_image(tmp_path / "a.png")
    assert (found.mode, found.size) == ("RGB", (4, 6))
    colors = [color for _, color in found.getcolors() or []]
    assert sorted(colors) == [(255, 0, 0), (255, 255, 255)]


def test_files_that_are_not_images_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    noisy = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noisy).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:2_000])
    Image.new("1", (20_000, 5_001)).save(tmp_path / "huge.png")
    Image.new("1", (20_000, 20_000)).save(tmp_path / "vast.png")
    os.mkfifo(tmp_path / "pipe.png")
    for name, reason in (
        ("missing.png", "No such file"),
        ("text.png", "not an image"),
        ("cut.png", "not an image"),
        ("huge.png", "too large"),
        ("vast.png", "too large"),
        ("pipe.png", "not a regular file"),
        (".", "not a regular file"),
    ):
        with pytest.raises(UsageError, match=reason) as error:
            read_image(tmp_path / name)
        assert "\n" not in str(error.value)


def test_the_images_of_a_folder_are_sorted_by_name_and_other_files_skipped(tmp_path: Path) -> None:
    for name, color in (("b.jpg", "black"), ("a.png", "white")):
        Image.new("RGB", (8, 8), color).save(tmp_path / name)
    (tmp_path / "c.png").write_text("no")
    (tmp_path / "d.txt").write_text("no")
    assert [picture.getpixel((0, 0)) for picture in images_in(tmp_path)] == [(255, 255, 255), (0, 0, 0)]


@pytest.mark.parametrize("size", [(1, 90_000_000), (40_000, 2)])
def test_a_picture_with_a_huge_side_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    # The header alone: a real one would need all the memory that this is about.
    chunks = [b"IHDR" + struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0), b"IDAT" + zlib.compress(bytes(100))]
    written = (struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(written))
    with pytest.raises(UsageError, match="too large"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("form", ["PPM", "GIF", "DDS", "TGA", "ICO", "PCX", "JPEG2000", "SPIDER"])
def test_other_formats_are_refused_whatever_their_name(tmp_path: Path, form: str) -> None:
    data = io.BytesIO()
    Image.new("F" if form == "SPIDER" else "RGB", (32, 32)).save(data, format=form)
    (tmp_path / "a.png").write_bytes(data.getvalue())
    with pytest.raises(UsageError, match="must be a whole PNG, JPEG"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("error", [RuntimeError, NotImplementedError, AttributeError, RecursionError, IndexError])
def test_whatever_a_decoder_raises_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("first\nsecond")

    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
    with pytest.raises(UsageError, match="is not an image that can be read") as caught:
        read_image(tmp_path / "a.png")
    assert "\n" not in str(caught.value)


def test_lack_of_memory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
    with pytest.raises(UsageError, match="too little memory"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "CMYK"])
def test_strips_give_the_same_as_the_whole(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (37, 20, 4), np.uint8)
    image = Image.fromarray(noise).convert(mode)
    data = io.BytesIO()
    image.save(data, format="TIFF")
    whole = decode_image(data.getvalue(), Path("a.tif"))
    transparent = Image.open(io.BytesIO(data.getvalue())).convert("RGBA")
    white = Image.new("RGBA", transparent.size, "white")
    assert whole.tobytes() == Image.alpha_composite(white, transparent).convert("RGB").tobytes()
    monkeypatch.setattr("clipdesk.imagesets.reading._STRIP_PIXELS", 100)
    assert decode_image(data.getvalue(), Path("a.tif")).tobytes() == whole.tobytes()


def test_one_bad_file_does_not_stop_the_others_of_a_folder(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "white").save(tmp_path / "b.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png", format="DDS")
    (tmp_path / "a.jpg").mkdir()
    (tmp_path / "a.webp").symlink_to("/dev/zero")
    assert len(list(images_in(tmp_path))) == 1


def ramp() -> np.ndarray[tuple[int, int], np.dtype[np.uint16]]:
    return np.linspace(0, 65535, 128 * 128).reshape(128, 128).astype(np.uint16)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("grey.png", ramp()),
        ("grey.tif", ramp()),
        ("float.tif", (ramp() / 65535).astype(np.float32)),
        ("bytes.tif", (ramp() / 257).astype(np.float32)),
        ("signed.tif", (ramp() / 65535 - 0.5).astype(np.float32)),
        ("whole.tif", ramp().astype(np.int32)),
        ("large.tif", (ramp() * 10.0).astype(np.float32)),
    ],
)
def test_more_than_eight_bits_are_scaled_and_not_clipped(
    tmp_path: Path, name: str, values: np.ndarray[tuple[int, int], np.dtype[np.generic]]
) -> None:
    Image.fromarray(values).save(tmp_path / name)
    found = np.array(read_image(tmp_path / name))
    wanted = np.rint(ramp() / 257)
    assert np.abs(found[..., 0] - wanted).max() <= 1


def test_what_is_not_a_number_becomes_grey_of_the_image(tmp_path: Path) -> None:
    values = (ramp() / 65535).astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    Image.fromarray(values).save(tmp_path / "float.tif")
    assert np.array(read_image(tmp_path / "float.tif"))[0, :3, 0].tolist() == [0, 255, 0]


def test_a_dark_image_of_sixteen_bits_stays_dark(tmp_path: Path) -> None:
    Image.fromarray(ramp() // 16).save(tmp_path / "dark.png")
    assert np.array(read_image(tmp_path / "dark.png")).max() == 16


@pytest.mark.parametrize(("size", "turned"), [((400, 200), 1), ((200, 400), 6)])
def test_a_jpeg_is_decoded_smaller_but_never_below_the_side(size: tuple[int, int], turned: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turned
    data = io.BytesIO()
    Image.linear_gradient("L").resize(size).save(data, "JPEG", exif=exif, quality=95)
    whole = decode_image(data.getvalue(), "a.jpg")
    assert whole.size == (400, 200)
    for side, found in ((1, (50, 25)), (26, (100, 50)), (100, (200, 100)), (101, (400, 200)), (500, (400, 200))):
        small = decode_image(data.getvalue(), "a.jpg", side)
        assert small.size == found
        assert np.abs(np.array(small).astype(int) - np.array(whole.resize(found)).astype(int)).mean() < 2


def test_the_first_frame_of_an_animation_is_read() -> None:
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    for form in ("PNG", "WEBP", "TIFF"):
        data = io.BytesIO()
        frames[0].save(
            data, form, save_all=True, append_images=frames[1:], **({"lossless": True} if form == "WEBP" else {})
        )
        assert decode_image(data.getvalue(), "a").getpixel((0, 0)) == (255, 0, 0)


def test_a_color_that_stands_for_transparency_becomes_white() -> None:
    for mode, color in (("RGB", (255, 0, 0)), ("L", 7)):
        data = io.BytesIO()
        Image.new(mode, (4, 4), color).save(data, "PNG", transparency=color)
        assert decode_image(data.getvalue(), "a.png").getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("form", ["JPEG", "TIFF"])
def test_the_inks_of_print_become_the_colors_that_they_stand_for(form: str) -> None:
    data = io.BytesIO()
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(data, form)
    red, green, blue = np.array(decode_image(data.getvalue(), "a"))[4, 4].tolist()
    assert (red > 240, green < 15, blue < 15) == (True, True, True)
