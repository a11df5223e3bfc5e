//! Documents made for measuring: text receipts, and PDFs with as many pages as wanted.

use std::fmt::Write;

use serde_json::{Value, json};

/// A receipt as text, another one for each number.
pub fn receipt(number: u32) -> String {
    format!(
        "KEDAI BUNGA RAYA\nReceipt {number} {}\nDate: 30/03/2018\nFern          9.00\nTOTAL      RM 9.00\nCash      RM 10.00\nChange     RM 1.00\n",
        uuid::Uuid::now_v7()
    )
}

/// What the text receipts show.
pub fn receipt_claim() -> Value {
    json!({ "merchant": "Kedai Bunga Raya", "date": "2018-03-30", "total": { "amount": "9.00", "currency": "MYR" } })
}

/// What the PDFs show.
pub fn invoice_claim() -> Value {
    json!({ "number": "INV-2024-0099", "issue_date": "2024-03-05", "seller": "Northwind Supplies Ltd", "total": { "amount": "106.00", "currency": "USD" } })
}

/// An invoice with a text layer: a head and rows on every page, totals on the last. Pages are alike, so that files of different lengths can
/// be compared by the page.
pub fn text_pdf(pages: usize) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let font = pdf.add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
    let resources = format!("/Font << /F1 {font} 0 R >>");
    let reference = format!("Reference {}", uuid::Uuid::now_v7());
    for page in 0..pages {
        let mut lines =
            ["Northwind Supplies Ltd", "INVOICE", "Invoice number: INV-2024-0099", "Invoice date: 2024-03-05"].map(str::to_owned).to_vec();
        lines.push(reference.clone());
        lines.extend((0..40).map(|row| format!("Item {page}-{row}  widget  2 x 3.50  7.00")));
        if page + 1 == pages {
            lines.extend(["Subtotal 100.00", "Tax 6.00", "Total 106.00 USD"].map(str::to_owned));
        }
        let mut content = "BT /F1 10 Tf 14 TL 50 800 Td ".to_owned();
        for line in lines {
            // Writing to a string cannot fail.
            let _ = write!(content, "({line}) ' ");
        }
        content.push_str("ET");
        pdf.page(&resources, &content);
    }
    pdf.finish()
}

/// A scan: every page is the same photo, as large as an A4 sheet.
pub fn scanned_pdf(photo: &[u8], width: u32, height: u32, pages: usize) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let mut image = format!("<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode /Length {} >>\nstream\n", photo.len()).into_bytes();
    image.extend_from_slice(photo);
    image.extend_from_slice(b"\nendstream");
    let image = pdf.add(&image);
    let resources = format!("/XObject << /I {image} 0 R >>");
    for page in 0..pages {
        // A comment tells the pages apart.
        pdf.page(&resources, &format!("% {page} {}\nq 595 0 0 842 0 0 cm /I Do Q", uuid::Uuid::now_v7()));
    }
    pdf.finish()
}

/// Just enough of PDF 1.4 to hold pages.
struct Pdf {
    /// The object that names all pages is number 1.
    objects: Vec<Vec<u8>>,
    pages: Vec<usize>,
}

impl Pdf {
    fn new() -> Self {
        Self { objects: vec![Vec::new()], pages: Vec::new() }
    }

    fn add(&mut self, object: &[u8]) -> usize {
        self.objects.push(object.to_vec());
        self.objects.len()
    }

    fn page(&mut self, resources: &str, content: &str) {
        let content = self.add(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()).as_bytes());
        let page = format!("<< /Type /Page /Parent 1 0 R /MediaBox [0 0 595 842] /Resources << {resources} >> /Contents {content} 0 R >>");
        let page = self.add(page.as_bytes());
        self.pages.push(page);
    }

    fn finish(mut self) -> Vec<u8> {
        let kids: Vec<String> = self.pages.iter().map(|page| format!("{page} 0 R")).collect();
        self.objects[0] = format!("<< /Type /Pages /Count {} /Kids [{}] >>", kids.len(), kids.join(" ")).into_bytes();
        let catalog = self.add(b"<< /Type /Catalog /Pages 1 0 R >>");
        let mut file = b"%PDF-1.4\n".to_vec();
        let mut places = Vec::new();
        for (index, object) in self.objects.iter().enumerate() {
            places.push(file.len());
            file.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
            file.extend_from_slice(object);
            file.extend_from_slice(b"\nendobj\n");
        }
        let table = file.len();
        let mut end = format!("xref\n0 {}\n0000000000 65535 f \n", places.len() + 1);
        for place in &places {
            let _ = writeln!(end, "{place:010} 00000 n ");
        }
        let _ = write!(end, "trailer << /Size {} /Root {catalog} 0 R >>\nstartxref\n{table}\n%%EOF\n", places.len() + 1);
        file.extend_from_slice(end.as_bytes());
        file
    }
}
