"""What happens to a document on its way in: a camera, a scanner, a careless hand, and files that are not what they say."""

import io
import struct
import zlib

import numpy
from PIL import Image, ImageFilter


def photo(paper, rng, angle=0.5, margin=70):
    """A receipt on a table under a lamp: dark grain around it, light falling off, slight turn, sensor noise, soft focus."""
    width, height = paper.width + 2 * margin, paper.height + 2 * margin
    grain = rng.normal(0, 1, (height // 24 + 2, 3)).repeat(24, axis=0)[:height, :1]
    table = numpy.clip(92 + 7 * grain + rng.normal(0, 2, (height, width)), 0, 255).astype("uint8")
    sheet = Image.new("L", (width, height), 0)
    sheet.paste(Image.new("L", paper.size, 255), (margin, margin))
    ink = Image.new("L", (width, height), 255)
    ink.paste(paper, (margin, margin))
    sheet = sheet.rotate(angle, Image.Resampling.BICUBIC)
    ink = ink.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255)
    # Thermal ink is dark grey on off-white.
    paper_grey = numpy.asarray(ink, dtype="float64") / 255 * 190 + 48
    mask = numpy.asarray(sheet, dtype="float64") / 255
    scene = mask * paper_grey + (1 - mask) * table
    down, across = numpy.mgrid[0:height, 0:width]
    lamp = 1.08 - 0.22 * ((down / height - 0.35) ** 2 + (across / width - 0.4) ** 2)
    scene = scene * lamp
    image = Image.fromarray(numpy.clip(scene, 0, 255).astype("uint8")).filter(ImageFilter.GaussianBlur(0.6))
    noisy = numpy.asarray(image, dtype="float64") + rng.normal(0, 2.2, (height, width))
    warm = numpy.stack([noisy * 1.0, noisy * 0.975, noisy * 0.925], axis=2)
    return Image.fromarray(numpy.clip(warm, 0, 255).astype("uint8"))


def scan(page, rng):
    """A flatbed scan: off-white paper, faint noise, slightly soft."""
    soft = numpy.asarray(page.filter(ImageFilter.GaussianBlur(0.5)), dtype="float64")
    return Image.fromarray(numpy.clip(soft * 0.93 + 10 + rng.normal(0, 1.2, soft.shape), 0, 255).astype("uint8"))


def skew(image, degrees):
    return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255)


def unreadable(image, rng):
    """Out of focus, then under heavy noise: letters are there and nobody can read them."""
    blurred = numpy.asarray(image.convert("L").filter(ImageFilter.GaussianBlur(14)), dtype="float64")
    coarse = numpy.asarray(Image.fromarray(rng.integers(0, 90, (image.height // 9 + 1, image.width // 9 + 1)).astype("uint8")).resize(image.size, Image.Resampling.BICUBIC))
    return Image.fromarray(numpy.clip(blurred * 0.6 + coarse, 0, 255).astype("uint8"))


def jpeg(image, quality=72, orientation=None):
    """JPEG bytes; with `orientation` the pixels are as the sensor lay and EXIF says how to hold them."""
    out = io.BytesIO()
    extra = {}
    if orientation is not None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        extra["exif"] = exif.tobytes()
    image.save(out, "JPEG", quality=quality, **extra)
    return out.getvalue()


def png(image):
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def webp(image):
    out = io.BytesIO()
    image.save(out, "WEBP", quality=70, method=4)
    return out.getvalue()


def fax_tiff(images, dpi):
    """A TIFF of several pages in black and white, fax group 4, as office scanners write it."""
    out = io.BytesIO()
    pages = [image.point(lambda grey: 255 if grey > 140 else 0).convert("1") for image in images]
    pages[0].save(out, "TIFF", compression="group4", save_all=True, append_images=pages[1:], dpi=(dpi, dpi))
    return out.getvalue()


def png_bomb(side):
    """A valid PNG of `side` x `side` black pixels, one bit each, deflated a thousandfold. Written in rows, so that making it is cheap."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    deflate = zlib.compressobj(9)
    row = b"\0" * (1 + (side + 7) // 8)
    data = b"".join(deflate.compress(row) for _ in range(side)) + deflate.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def lying_jpeg(image, width, height):
    """A small JPEG whose frame header claims `width` x `height`."""
    data = bytearray(jpeg(image, quality=40))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def corrupt_jpeg(data, rng):
    """The first bytes of a JPEG, then noise in which no further marker can be found."""
    noise = rng.integers(0, 0xFF, 6000).astype("uint8").tobytes()
    return data[:20] + noise


def corrupt_pdf(data, rng):
    """The first line of a PDF, then noise: no object, no cross-reference table, no trailer."""
    noise = bytes(rng.integers(0x80, 0xFF, 4000).astype("uint8"))
    return data[: data.index(b"\n") + 1] + noise
