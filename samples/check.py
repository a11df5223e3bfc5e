"""Holds manifest.json against the files and its own rules; with --ocr also against what Tesseract and the PDF text layers read."""

import io
import json
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent
REQUIRED = {"expense_receipt": {"merchant", "date", "total"}, "invoice": {"number", "issue_date", "seller", "total"}}
MAX_BYTES = 3_000_000
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def problems(entry):
    """What is wrong with one entry, by its own rules."""
    claim, expect = entry["claim"], entry["expect"]
    for name in entry["files"]:
        if not (HERE / name).is_file():
            yield f"no file {name}"
    if missing := REQUIRED[entry["claim_type"]] - claim.keys():
        yield f"claim lacks {sorted(missing)}"
    if "http" in expect:
        return
    verdicts = {name: field["verdict"] for name, field in expect["fields"].items()}
    if verdicts.keys() != claim.keys():
        yield f"claimed {sorted(claim)} but expects {sorted(verdicts)}"
    required = {verdicts[name] for name in REQUIRED[entry["claim_type"]] & verdicts.keys()}
    overall = "refuted" if "refuted" in required else "supported" if required == {"supported"} else "insufficient"
    if overall != expect["verdict"]:
        yield f"the fields give {overall}, the manifest says {expect['verdict']}"


def readings(name):
    """Everything that can be read in a file, upright."""
    from PIL import Image, ImageOps

    path = HERE / name
    if path.suffix == ".txt":
        return path.read_text()
    if path.suffix == ".pdf":
        import pypdf

        pages = pypdf.PdfReader(path).pages
        # A scan counts for what its picture shows, never for its text layer.
        return "\n".join("\n".join(ocr(image.image) for image in page.images) or page.extract_text() for page in pages)
    if path.suffix == ".tiff":
        image = Image.open(path)
        return "\n".join(ocr(frame) for frame in (image.seek(number) or image.copy() for number in range(image.n_frames)))
    turn = int((re.search(r"turned-(\d+)", name) or [0, 0])[1])
    return ocr(ImageOps.exif_transpose(Image.open(path)).rotate(-turn, expand=True))


def ocr(image):
    out = io.BytesIO()
    image.convert("L").save(out, "PNG")
    return subprocess.run(["tesseract", "-", "-", "--psm", "6"], input=out.getvalue(), capture_output=True, check=True).stdout.decode()


def spellings(value):
    """How a claimed value may stand on a document, squeezed to lower-case letters and digits."""
    if isinstance(value, dict):
        return [squeeze(f"{Decimal(value['amount']):.2f}")]
    if date := re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", value):
        year, month, day = date.groups()
        word, short = MONTHS[int(month) - 1], str(int(day))
        whole = {"Mar": "March", "Apr": "April", "Jan": "January", "Nov": "November", "Dec": "December"}.get(word, word)
        return [squeeze(text) for text in (value, day + month + year, month + day + year, short + word + year, short + whole + year, whole + short + year)]
    return [squeeze(value)]


def squeeze(text):
    return re.sub(r"[^0-9a-z]", "", text.lower())


def illegible(entry):
    """Claimed values that should be on the documents and cannot be read there."""
    text = squeeze("\n".join(readings(name) for name in entry["files"]))
    for name, field in entry["expect"]["fields"].items():
        value = entry["claim"][name]
        if name == "currency":
            continue
        if field["verdict"] == "supported" and not any(spelling in text for spelling in spellings(value)):
            yield f"cannot read {name} {value}"


def main():
    entries = json.loads((HERE / "manifest.json").read_text())
    found = [(entry["name"], problem) for entry in entries for problem in problems(entry)]
    names = [entry["name"] for entry in entries]
    found += [(name, "named twice") for name in set(names) if names.count(name) > 1]
    size = sum((HERE / name).stat().st_size for name in {name for entry in entries for name in entry["files"]})
    if size > MAX_BYTES:
        found.append(("all files", f"{size} bytes"))
    if "--ocr" in sys.argv:
        readable = [entry for entry in entries if entry["expect"].get("verdict") in ("supported", "refuted")]
        found += [(entry["name"], problem) for entry in readable for problem in illegible(entry)]
    for name, problem in found:
        print(f"{name}: {problem}")
    print(f"{len(entries)} samples, {size} bytes, {len(found)} problems")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
