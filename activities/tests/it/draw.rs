//! Documents of our own drawing: small PDFs, the pictures they make, and those pictures in other formats.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageFormat};

use crate::scene;

/// What every drawn receipt says, line by line.
pub const LINES: [&str; 12] = [
    "Tamarind Grove Kitchen",
    "12 Harbour Street, Port Ellery",
    "Receipt number 40718",
    "Date 14 March 2024",
    "2 Vegetable noodles   18.40",
    "1 Grilled aubergine   11.25",
    "3 Jasmine tea          9.60",
    "Subtotal              39.25",
    "Service charge         3.90",
    "Total                 43.15",
    "Paid by card ending 7721",
    "Thank you and please come again",
];

/// One string on a page of a PDF.
#[derive(Clone)]
pub struct Mark {
    pub text: String,
    /// From the lower left, in points.
    pub at: (f32, f32),
    /// Rendering mode 3 is invisible.
    pub mode: u8,
    /// 0 is black, 1 is white.
    pub grey: f32,
}

/// A page of a PDF of 420 by 420 points.
#[derive(Clone, Default)]
pub struct Sheet {
    pub marks: Vec<Mark>,
    /// A picture over the whole page, under the marks.
    pub scan: Option<GrayImage>,
}

pub const SIDE: f32 = 420.0;

/// The lines as a page prints them.
pub fn receipt() -> Sheet {
    let mark = |(row, line): (usize, &&str)| Mark { text: (*line).to_owned(), at: (60.0, 360.0 - 24.0 * row as f32), mode: 0, grey: 0.0 };
    Sheet { marks: LINES.iter().enumerate().map(mark).collect(), scan: None }
}

/// The same page as a scanner sees it, at 150 dpi.
pub fn receipt_picture() -> GrayImage {
    let page = scene::page(pdf(&[receipt()]));
    image::load_from_memory(&page.image.unwrap()).unwrap().into_luma8()
}

/// The page as a searchable scan: its picture, and over it the lines as invisible text, each changed by `change`.
pub fn searchable_scan(change: impl Fn(&str) -> String) -> Sheet {
    let marks = receipt().marks.into_iter().map(|mark| Mark { text: change(&mark.text), mode: 3, ..mark }).collect();
    Sheet { marks, scan: Some(receipt_picture()) }
}

/// Writes a PDF in Courier of 14 points.
pub fn pdf(sheets: &[Sheet]) -> Vec<u8> {
    pdf_with_trailer(sheets, "")
}

/// As `pdf`, with more entries in the trailer.
pub fn pdf_with_trailer(sheets: &[Sheet], trailer: &str) -> Vec<u8> {
    let mut objects: Vec<Vec<u8>> = vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(), Vec::new()];
    objects.push(b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>".to_vec());
    let mut kids = String::new();
    for sheet in sheets {
        let mut content = String::new();
        let mut resources = "/Font << /F 3 0 R >>".to_owned();
        if let Some(scan) = &sheet.scan {
            let head = format!(
                "<< /Type /XObject /Subtype /Image /Width {} /Height {} /ColorSpace /DeviceGray /BitsPerComponent 8 /Length {} >>\nstream\n",
                scan.width(),
                scan.height(),
                scan.as_raw().len()
            );
            objects.push([head.as_bytes(), scan.as_raw(), b"\nendstream"].concat());
            resources += &format!(" /XObject << /I {} 0 R >>", objects.len());
            content += &format!("q {SIDE} 0 0 {SIDE} 0 0 cm /I Do Q\n");
        }
        for mark in &sheet.marks {
            let (x, y) = mark.at;
            content += &format!("BT {} g {} Tr /F 14 Tf {x} {y} Td ({}) Tj ET\n", mark.grey, mark.mode, mark.text);
        }
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len() + 1).into_bytes());
        let stream = objects.len();
        objects.push(
            format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {SIDE} {SIDE}] /Contents {stream} 0 R /Resources << {resources} >> >>")
                .into_bytes(),
        );
        kids += &format!("{} 0 R ", objects.len());
    }
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", sheets.len()).into_bytes();
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for (index, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", file.len());
        file.extend(format!("{} 0 obj\n", index + 1).into_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let start = file.len();
    let size = objects.len() + 1;
    file.extend(format!("{table}trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n").into_bytes());
    file
}

pub fn encoded(picture: &GrayImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    DynamicImage::ImageLuma8(picture.clone()).write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// A JPEG whose EXIF block asks for a turn, as cameras write it.
pub fn jpeg_with_orientation(picture: &GrayImage, orientation: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 90).encode_image(picture).unwrap();
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
}

/// A grey TIFF with a page for each picture.
pub fn tiff(pictures: &[GrayImage]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder =
        tiff::encoder::TiffEncoder::new(&mut bytes).unwrap().with_compression(tiff::encoder::Compression::Deflate(Default::default()));
    for picture in pictures {
        encoder.write_image::<tiff::encoder::colortype::Gray8>(picture.width(), picture.height(), picture.as_raw()).unwrap();
    }
    bytes.into_inner()
}

/// The picture leaning clockwise, on white.
pub fn leaning(picture: &GrayImage, degrees: f32) -> GrayImage {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (middle_x, middle_y) = (picture.width() as f32 / 2.0, picture.height() as f32 / 2.0);
    GrayImage::from_fn(picture.width(), picture.height(), |x, y| {
        let (right, down) = (x as f32 - middle_x, y as f32 - middle_y);
        let (from_x, from_y) = (right * cos + down * sin + middle_x, down * cos - right * sin + middle_y);
        image::imageops::interpolate_bilinear(picture, from_x, from_y).unwrap_or(image::Luma([u8::MAX]))
    })
}
