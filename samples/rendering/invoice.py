"""Invoices: a TOML template to A4 pages, in one of three layouts, with the items running over as many pages as they need."""

from .page import Page

LEFT, RIGHT, FOOT = 56.0, 540.0, 770.0


def invoice(data):
    pages = []
    page = Page()
    pages.append(page)
    y = {"classic": classic_head, "plain": plain_head, "banded": banded_head}[data["layout"]](page, data)
    y = item_head(page, data, y)
    for item in data["items"]:
        if y > FOOT - 20:
            page = Page()
            pages.append(page)
            y = item_head(page, data, continued(page, data))
        y = item_row(page, item, y)
    if data.get("totals_on_new_page") or y > FOOT - 40 - 16 * len(data["totals"]):
        page = Page()
        pages.append(page)
        y = continued(page, data)
    totals(page, data, y)
    for number, page in enumerate(pages, 1):
        page.text(RIGHT, 806, f"Page {number} of {len(pages)}", size=8, align="right")
        if data.get("foot"):
            page.text(LEFT, 806, data["foot"], size=8)
    return pages


def stack(page, x, y, lines, **style):
    for line in lines:
        page.text(x, y, line, **style)
        y += 14
    return y


def classic_head(page, data):
    """Seller on the left, the word and the numbers on the right."""
    page.text(LEFT, 76, data["seller"], font="sans-bold", size=15)
    stack(page, LEFT, 94, data["seller_lines"])
    page.text(RIGHT, 78, data["word"], font="sans-bold", size=20, align="right")
    y = 106
    for label, value in data["meta"]:
        page.text(430, y, label, align="right")
        page.text(RIGHT, y, value, font="sans-bold", align="right")
        y += 15
    page.text(LEFT, 190, data["buyer_label"], size=8.5)
    page.text(LEFT, 206, data["buyer"], font="sans-bold", size=10.5)
    return stack(page, LEFT, 221, data["buyer_lines"]) + 26


def plain_head(page, data):
    """Everything on the left, label and value in one line, serif."""
    page.text(LEFT, 74, data["seller"], font="serif-bold", size=14)
    y = stack(page, LEFT, 91, data["seller_lines"], font="serif", size=9.5)
    page.text(LEFT, y + 24, data["word"], font="serif-bold", size=17)
    y += 48
    for label, value in data["meta"]:
        page.text(LEFT, y, f"{label}: {value}", font="serif", size=10.5)
        y += 16
    page.text(LEFT, y + 10, f"{data['buyer_label']}: {data['buyer']}", font="serif", size=10.5)
    return stack(page, LEFT, y + 26, data["buyer_lines"], font="serif", size=9.5) + 20


def banded_head(page, data):
    """The word on top between rules, buyer and seller side by side, the numbers as a row of label above value."""
    page.rule(LEFT, RIGHT, 52, 2)
    page.text(LEFT, 76, data["word"], font="sans-bold", size=18)
    page.text(RIGHT, 75, data["seller"], font="sans-bold", size=12, align="right")
    page.rule(LEFT, RIGHT, 88, 2)
    page.text(LEFT, 112, data["buyer_label"], size=8.5)
    page.text(LEFT, 128, data["buyer"], font="sans-bold", size=10.5)
    left = stack(page, LEFT, 143, data["buyer_lines"])
    page.text(330, 112, "From", size=8.5)
    page.text(330, 128, data["seller"], font="sans-bold", size=10.5)
    right = stack(page, 330, 143, data["seller_lines"])
    y = max(left, right) + 14
    step = (RIGHT - LEFT) / len(data["meta"])
    for index, (label, value) in enumerate(data["meta"]):
        page.text(LEFT + index * step, y, label, size=8.5)
        page.text(LEFT + index * step, y + 15, value, font="sans-bold", size=10)
    return y + 44


def continued(page, data):
    page.text(LEFT, 60, data["seller"], font="sans-bold", size=10)
    page.text(RIGHT, 60, data["continued"], align="right")
    return 92


def item_head(page, data, y):
    for x, label, align in zip((LEFT, 372, 452, RIGHT), data["columns"], ("left", "right", "right", "right")):
        page.text(x, y, label, font="sans-bold", size=9, align=align)
    page.rule(LEFT, RIGHT, y + 6)
    return y + 21


def item_row(page, item, y):
    for x, value, align in zip((LEFT, 372, 452, RIGHT), item, ("left", "right", "right", "right")):
        page.text(x, y, value, align=align)
    return y + 16


def totals(page, data, y):
    page.rule(330, RIGHT, y)
    y += 18
    for index, (label, value) in enumerate(data["totals"]):
        last = index == len(data["totals"]) - 1
        font = "sans-bold" if last else "sans"
        size = 11 if last else 9.5
        page.text(330, y, label, font=font, size=size)
        page.text(RIGHT, y, value, font=font, size=size, align="right")
        y += 17
    stack(page, LEFT, y + 24, data.get("notes", []), size=9)
