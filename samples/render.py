"""Renders every sample file beside this script. Chance is seeded per file, so a second run changes nothing."""

import tomllib
import zlib
from pathlib import Path

import numpy

from rendering import faults
from rendering.invoice import invoice
from rendering.page import Page, Text, to_image, to_pdf
from rendering.receipt import receipt

HERE = Path(__file__).parent
RECEIPT_DPI = 230
SCAN_DPI = 200
SCAN_QUALITY = 45


def chance(name):
    """The generator of one file: what is drawn before it does not matter."""
    return numpy.random.Generator(numpy.random.PCG64(zlib.crc32(name.encode())))


def till(template):
    return to_image(receipt((HERE / f"templates/receipts/{template}.txt").read_text()), RECEIPT_DPI)


def bill(template, **changes):
    return invoice(tomllib.loads((HERE / f"templates/invoices/{template}.toml").read_text()) | changes)


def letter(template):
    page = Page()
    for number, line in enumerate((HERE / f"templates/letters/{template}.txt").read_text().rstrip("\n").split("\n")):
        heading = line.isupper()
        page.text(60, 76 + number * 16, line, font="serif-bold" if heading else "serif", size=13 if heading else 10)
    return page


def scanned(pages, name):
    rng = chance(name)
    return [faults.scan(to_image(page, SCAN_DPI), rng) for page in pages]


def scan_pdf(pages, name, title):
    return to_pdf(pages, title, scans=[faults.jpeg(image, SCAN_QUALITY) for image in scanned(pages, name)])


def with_layer(pages, changes=None):
    """The same pages with every string hidden, as a searchable scan has them; `changes` is what the layer says instead."""
    layer = []
    for page in pages:
        marks = [mark for mark in page.marks if isinstance(mark, Text)]
        layer.append(Page(page.size, [Text(m.x, m.y, (changes or {}).get(m.text, m.text), m.font, m.size, m.align, hidden=True) for m in marks]))
    return layer


def searchable_pdf(pages, name, title, changes=None):
    return to_pdf(with_layer(pages, changes), title, scans=[faults.jpeg(image, SCAN_QUALITY) for image in scanned(pages, name)])


def consignments():
    """A month of parcels, long enough for more than forty pages, with the totals that belong to them."""
    rng = chance("consignments")
    towns = ["Northcliff", "Port Ellery", "Hollin", "Eastbrook", "Marlow Vale", "Saint Orrin", "Kettering Cross", "Upper Thane"]
    items, net = [], 0
    for index in range(1765):
        parcels, rate = int(rng.integers(1, 9)), int(rng.integers(280, 940))
        net += parcels * rate
        day = 2 + index * 29 // 1765
        items.append([f"{day:02} Jan  C{700000 + index * 7}  {towns[int(rng.integers(len(towns)))]}", str(parcels), pounds(rate), pounds(parcels * rate)])
    tax = (net * 20 + 50) // 100
    totals = [["Subtotal", f"GBP {pounds(net)}"], ["VAT 20%", f"GBP {pounds(tax)}"], ["Total due", f"GBP {pounds(net + tax)}"]]
    return {"items": items, "totals": totals}


def pounds(pence):
    return f"{pence // 100:,}.{pence % 100:02}"


def files():
    """File name to bytes, one after the other."""
    yield "receipt-photo.jpg", faults.jpeg(faults.photo(till("warung"), chance("receipt-photo")))
    yield "receipt.png", faults.png(till("stationers"))
    yield "receipt-month-name.jpg", faults.jpeg(faults.photo(till("hardware"), chance("receipt-month-name"), angle=-0.4))
    yield "receipt-decimal-comma.png", faults.png(till("bakery"))
    yield "receipt-dollars.jpg", faults.jpeg(faults.photo(till("diner"), chance("receipt-dollars"), angle=0.3))
    yield "receipt.webp", faults.webp(faults.photo(till("parking"), chance("receipt-webp"), angle=0.2))
    yield "receipt-turned-90.png", faults.png(till("diner").rotate(90, expand=True))
    yield "receipt-turned-180.jpg", faults.jpeg(faults.scan(till("stationers"), chance("receipt-turned-180")).rotate(180))
    taxi = faults.photo(till("taxi"), chance("receipt-exif"), angle=-0.3)
    yield "receipt-exif.jpg", faults.jpeg(taxi.rotate(90, expand=True), orientation=6)
    yield "card-slip.jpg", faults.jpeg(faults.photo(till("taxi-slip"), chance("card-slip"), angle=0.6))
    yield "receipt-skewed.jpg", faults.jpeg(faults.scan(faults.skew(till("stationers"), 3.0), chance("receipt-skewed")))
    yield "receipt.txt", (HERE / "templates/receipts/order.txt").read_bytes()

    yield "invoice-text.pdf", to_pdf(bill("plain"), "Invoice TS-10733")
    yield "invoice-two-pages.tiff", faults.fax_tiff([to_image(page, SCAN_DPI) for page in bill("classic")], SCAN_DPI)
    yield "invoice-scan-two-pages.pdf", scan_pdf(bill("classic"), "invoice-scan-two-pages", "Scan")
    yield "invoice-long.pdf", to_pdf(bill("courier", **consignments()), "Invoice PC-88014")
    yield "invoice-searchable-scan.pdf", searchable_pdf(bill("banded"), "invoice-searchable-scan", "Scan")
    yield "invoice-hidden-text.pdf", searchable_pdf(bill("banded"), "invoice-hidden-text", "Scan", {"RM 5,724.00": "RM 9,724.00"})
    yield "invoice-encrypted.pdf", to_pdf(bill("plain"), "Invoice TS-10733", password="open sesame")

    yield "contract.pdf", to_pdf([letter("contract")], "Service agreement")
    yield "letter.jpg", faults.jpeg(scanned([letter("letter")], "letter")[0], SCAN_QUALITY)
    yield "unreadable.jpg", faults.jpeg(faults.unreadable(till("warung"), chance("unreadable")), quality=50)
    yield "blank.png", faults.png(to_image(Page(size=(226.0, 400.0)), RECEIPT_DPI))
    yield "empty.jpg", b""
    whole = faults.jpeg(till("parking"), quality=40)
    yield "corrupt.jpg", faults.corrupt_jpeg(whole, chance("corrupt.jpg"))
    yield "corrupt.pdf", faults.corrupt_pdf(b"%PDF-1.7\n", chance("corrupt.pdf"))
    yield "bomb-22000.png", faults.png_bomb(22_000)
    yield "bomb-50000.png", faults.png_bomb(50_000)
    yield "bomb-lying-header.jpg", faults.lying_jpeg(till("parking"), 40_000, 40_000)


def main():
    total = 0
    for name, data in files():
        path = HERE / name
        unchanged = path.exists() and path.read_bytes() == data
        path.write_bytes(data)
        total += len(data)
        print(f"{len(data):>9}  {name}{'' if unchanged else '  (changed)'}")
    print(f"{total:>9}  in all")


if __name__ == "__main__":
    main()
