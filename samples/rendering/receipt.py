"""Till receipts: a text template of 40 columns to one narrow page in a mono font.

Directives at the start of a line: `#` large bold centred, `=` centred, `*` bold, `~` a dashed rule, `!` a large bold line.
`left :: right` puts the second part at the right edge.
"""

from .page import Page, width_of

PAPER = 226.0  # 80 mm
MARGIN = 11.0
SIZE = 8.4
LEADING = 12.2


def receipt(template, changes=None):
    for old, new in (changes or {}).items():
        assert old in template, old
        template = template.replace(old, new)
    lines = template.rstrip("\n").split("\n")
    page = Page(size=(PAPER, 0))
    y = 26.0
    for line in lines:
        kind, rest = (line[0], line[1:].strip()) if line[:1] in "#=*~!" and line else (" ", line)
        size = {"#": SIZE * 1.45, "!": SIZE * 1.3}.get(kind, SIZE)
        font = "mono-bold" if kind in "#!*" else "mono"
        y += LEADING * (0.35 if size > SIZE else 0)
        if kind == "~":
            rest = "-" * 40
        if kind in "#=":
            page.text(PAPER / 2, y, rest, font=font, size=size, align="center")
        elif " :: " in rest:
            left, right = (part.strip() for part in rest.split(" :: "))
            room = PAPER - 2 * MARGIN - width_of(left, font, size) - width_of(right, font, size)
            assert room > 0, line
            page.text(MARGIN, y, left, font=font, size=size)
            page.text(PAPER - MARGIN, y, right, font=font, size=size, align="right")
        else:
            assert width_of(rest, font, size) <= PAPER - 2 * MARGIN + 1, line
            page.text(MARGIN, y, rest, font=font, size=size)
        y += LEADING * (1.35 if size > SIZE else 1)
    page.size = (PAPER, y + 18.0)
    return page
