//! Photos and scans: every format, every way up, leaning, empty.

use image::{DynamicImage, GrayImage, ImageFormat, imageops};

use crate::Test;
use crate::draw::{encoded, jpeg_with_orientation, leaning, receipt_picture, tiff};
use crate::scene::{page, prepare, prepare_within, read, sample, text};
use activities::reading::{Limits, PreparedPage};
use domain::block::Source;

pub const TESTS: &[Test] = &[
    ("every_picture_format_is_read", every_picture_format_is_read),
    ("transparent_pictures_stand_on_white", transparent_pictures_stand_on_white),
    ("a_camera_says_which_way_up", a_camera_says_which_way_up),
    ("a_scan_on_its_side_is_turned_by_looking", a_scan_on_its_side_is_turned_by_looking),
    ("a_leaning_page_is_straightened", a_leaning_page_is_straightened),
    ("every_page_of_a_tiff_can_be_reached", every_page_of_a_tiff_can_be_reached),
    ("black_and_white_tiffs_are_read", black_and_white_tiffs_are_read),
    ("an_empty_page_is_blank", an_empty_page_is_blank),
    ("boxes_lie_where_the_words_are", boxes_lie_where_the_words_are),
];

/// The words that matter were read.
pub fn assert_read(page: PreparedPage) {
    let read = read(page);
    let text = text(&read.words);
    for words in ["Tamarind Grove Kitchen", "14 March 2024", "43.15"] {
        assert!(text.contains(words), "{words} is missing in: {text}");
    }
    assert!(read.blockers.is_empty() && !read.blank && read.cpu_seconds > 0.0);
}

fn every_picture_format_is_read() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Tiff] {
        let page = page(encoded(&receipt_picture(), format));
        assert_eq!((page.turned_degrees, page.skew_degrees, page.blank), (0, 0.0, false), "{format:?}");
        assert_read(page);
    }
}

fn transparent_pictures_stand_on_white() {
    let ink = receipt_picture();
    // Black everywhere, told from the paper only by how opaque it is.
    let clear = image::RgbaImage::from_fn(ink.width(), ink.height(), |x, y| image::Rgba([0, 0, 0, 255 - ink.get_pixel(x, y).0[0]]));
    let mut bytes = Vec::new();
    DynamicImage::ImageRgba8(clear).write_to(&mut std::io::Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    assert_read(page(bytes));
}

fn a_camera_says_which_way_up() {
    let picture = receipt_picture();
    for (orientation, as_stored) in
        [(3, imageops::rotate180(&picture)), (6, imageops::rotate270(&picture)), (8, imageops::rotate90(&picture))]
    {
        let page = page(jpeg_with_orientation(&as_stored, orientation));
        assert_eq!(page.turned_degrees, 0, "the turn that EXIF asks for is none of ours");
        assert_read(page);
    }
}

fn a_scan_on_its_side_is_turned_by_looking() {
    let picture = receipt_picture();
    for (turn, as_scanned) in
        [(180, imageops::rotate180(&picture)), (90, imageops::rotate270(&picture)), (270, imageops::rotate90(&picture))]
    {
        let page = page(encoded(&as_scanned, ImageFormat::Png));
        assert_eq!(page.turned_degrees, turn);
        assert_read(page);
    }
}

fn a_leaning_page_is_straightened() {
    for degrees in [3.0, -4.0] {
        let page = page(encoded(&leaning(&receipt_picture(), degrees), ImageFormat::Png));
        assert!((page.skew_degrees - degrees).abs() < 0.4, "{} for {degrees}", page.skew_degrees);
        assert_read(page);
    }
}

fn every_page_of_a_tiff_can_be_reached() {
    let blank = GrayImage::from_pixel(300, 200, image::Luma([255]));
    let file = tiff(&[blank.clone(), blank.clone(), receipt_picture(), blank]);
    let range = prepare_within(Limits::default(), file, (3, 3)).unwrap();
    assert_eq!(range.pages_total, 4);
    let [page] = <[PreparedPage; 1]>::try_from(range.pages).unwrap();
    assert_eq!(page.page, 3);
    assert_read(page);
}

fn black_and_white_tiffs_are_read() {
    let range = prepare(sample("invoice-two-pages.tiff")).unwrap();
    assert_eq!(range.pages.len(), 2);
    for page in range.pages {
        assert!(text(&read(page).words).to_lowercase().contains("invoice"));
    }
}

fn an_empty_page_is_blank() {
    let page = page(encoded(&GrayImage::from_pixel(800, 600, image::Luma([250])), ImageFormat::Png));
    assert!(page.blank);
    let read = read(page);
    assert!(read.blank && read.words.words.is_empty() && read.blockers.is_empty());
    assert_eq!(read.words.source, Source::Ocr);
}

fn boxes_lie_where_the_words_are() {
    let read = read(page(encoded(&receipt_picture(), ImageFormat::Png)));
    let place = |text: &str| read.words.words.iter().find(|word| word.text == text).unwrap_or_else(|| panic!("{text}")).bbox;
    let (kitchen, total) = (place("Tamarind"), place("43.15"));
    // 60 of 420 points from the left; the first line stands 60 points below the top, the total 276.
    assert!((kitchen.left() - 60.0 / 420.0).abs() < 0.01 && (kitchen.bottom() - 60.0 / 420.0).abs() < 0.01, "{kitchen:?}");
    assert!((total.bottom() - 276.0 / 420.0).abs() < 0.01 && total.left() > 0.5, "{total:?}");
}
