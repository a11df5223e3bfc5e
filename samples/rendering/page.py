"""A page as a list of placed strings and rules, in points from the top left, with two ways out: pixels and PDF."""

import io
from dataclasses import dataclass, field

import reportlab.rl_config
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

# Streams as plain bytes: ASCII armour would add a quarter.
reportlab.rl_config.useA85 = 0

A4 = (595.0, 842.0)

# Debian's fonts-dejavu-core; Pillow finds these names in the system's font folders.
FONTS = {
    "sans": "DejaVuSans.ttf",
    "sans-bold": "DejaVuSans-Bold.ttf",
    "serif": "DejaVuSerif.ttf",
    "serif-bold": "DejaVuSerif-Bold.ttf",
    "mono": "DejaVuSansMono.ttf",
    "mono-bold": "DejaVuSansMono-Bold.ttf",
}


@dataclass
class Text:
    x: float
    y: float  # the baseline
    text: str
    font: str = "sans"
    size: float = 9.5
    align: str = "left"  # where x is: left, center or right
    hidden: bool = False  # in the text layer only, never in ink


@dataclass
class Rule:
    x0: float
    x1: float
    y: float
    width: float = 0.7


@dataclass
class Page:
    size: tuple = A4
    marks: list = field(default_factory=list)

    def text(self, x, y, text, **style):
        self.marks.append(Text(x, y, text, **style))

    def rule(self, x0, x1, y, width=0.7):
        self.marks.append(Rule(x0, x1, y, width))


def font_path(name):
    return ImageFont.truetype(FONTS[name], 10).path


def width_of(text, font, size):
    """Width in points, from the same outlines that both ways out draw."""
    return ImageFont.truetype(FONTS[font], 1000).getlength(text) * size / 1000


def left_of(mark):
    shift = {"left": 0.0, "center": 0.5, "right": 1.0}[mark.align]
    return mark.x - shift * width_of(mark.text, mark.font, mark.size)


def to_image(page, dpi):
    """The page in grey, black ink on white paper."""
    scale = dpi / 72
    image = Image.new("L", (round(page.size[0] * scale), round(page.size[1] * scale)), 255)
    draw = ImageDraw.Draw(image)
    for mark in page.marks:
        if isinstance(mark, Rule):
            draw.line([(mark.x0 * scale, mark.y * scale), (mark.x1 * scale, mark.y * scale)], fill=0, width=max(1, round(mark.width * scale)))
        elif not mark.hidden:
            font = ImageFont.truetype(FONTS[mark.font], mark.size * scale)
            draw.text((left_of(mark) * scale, mark.y * scale), mark.text, font=font, fill=0, anchor="ls")
    return image


def to_pdf(pages, title, scans=None, password=None):
    """A PDF with real text, or, where `scans` has a JPEG for each page, that picture over the whole page with the marks marked hidden as its text layer."""
    out = io.BytesIO()
    encrypt = None
    if password is not None:
        # RC4 with 128 bits: old, but without random vectors, so that the bytes stay the same. The door is shut all the same.
        encrypt = StandardEncryption(password, ownerPassword=password, strength=128)
    pdf = canvas.Canvas(out, pagesize=pages[0].size, invariant=1, pageCompression=1, encrypt=encrypt)
    pdf.setTitle(title)
    pdf.setProducer("samples")
    for name in sorted({mark.font for page in pages for mark in page.marks if isinstance(mark, Text)}):
        pdfmetrics.registerFont(TTFont(name, font_path(name)))
    for number, page in enumerate(pages):
        height = page.size[1]
        pdf.setPageSize(page.size)
        if scans is not None:
            pdf.drawImage(ImageReader(io.BytesIO(scans[number])), 0, 0, *page.size)
        for mark in page.marks:
            if isinstance(mark, Rule):
                if scans is None:
                    pdf.setLineWidth(mark.width)
                    pdf.line(mark.x0, height - mark.y, mark.x1, height - mark.y)
            elif scans is None or mark.hidden:
                text = pdf.beginText(left_of(mark), height - mark.y)
                text.setFont(mark.font, mark.size)
                text.setTextRenderMode(3 if mark.hidden else 0)
                text.textOut(mark.text)
                pdf.drawText(text)
        pdf.showPage()
    pdf.save()
    return out.getvalue()
