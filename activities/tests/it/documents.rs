//! PDFs and plain text: text layers that are true, false or hidden, windows over long files.

use std::time::Instant;

use activities::reading::{Limits, TextLayerState};
use domain::block::Source;
use domain::blocker::Blocker;

use crate::Test;
use crate::draw::{Mark, Sheet, pdf, receipt, searchable_scan};
use crate::pictures::assert_read;
use crate::scene::{page, prepare, prepare_within, read, text};

pub const TESTS: &[Test] = &[
    ("text_that_draws_itself_is_taken_as_it_is", text_that_draws_itself_is_taken_as_it_is),
    ("a_scanned_pdf_is_read_by_its_pixels", a_scanned_pdf_is_read_by_its_pixels),
    ("a_searchable_scan_is_taken_at_its_word", a_searchable_scan_is_taken_at_its_word),
    ("a_changed_number_in_hidden_text_is_noticed", a_changed_number_in_hidden_text_is_noticed),
    ("text_beside_the_ink_is_never_used", text_beside_the_ink_is_never_used),
    ("white_text_is_never_used", white_text_is_never_used),
    ("a_sideways_text_page_is_turned", a_sideways_text_page_is_turned),
    ("plain_text_keeps_its_lines", plain_text_keeps_its_lines),
    ("long_files_cost_the_same_in_every_window", long_files_cost_the_same_in_every_window),
];

fn text_that_draws_itself_is_taken_as_it_is() {
    let page = page(pdf(&[receipt()]));
    assert_eq!(page.text_layer_state, TextLayerState::Drawn);
    let read = read(page);
    assert_eq!((read.words.source, read.blockers), (Source::TextLayer, Vec::new()));
    let lines = crate::draw::LINES.join(" ");
    assert_eq!(text(&read.words), lines.split_whitespace().collect::<Vec<_>>().join(" "));
}

fn a_scanned_pdf_is_read_by_its_pixels() {
    let page = page(pdf(&[Sheet { marks: Vec::new(), ..searchable_scan(str::to_owned) }]));
    assert_eq!(page.text_layer_state, TextLayerState::None);
    assert_read(page);
}

fn a_searchable_scan_is_taken_at_its_word() {
    let page = page(pdf(&[searchable_scan(str::to_owned)]));
    assert_eq!(page.text_layer_state, TextLayerState::Overlaid);
    let read = read(page);
    assert_eq!((read.words.source, read.blockers), (Source::TextLayer, Vec::new()));
    assert!(text(&read.words).contains("Total 43.15"));
}

fn a_changed_number_in_hidden_text_is_noticed() {
    let read = read(page(pdf(&[searchable_scan(|line| line.replace("43.15", "93.15"))])));
    assert_eq!(read.blockers, [Blocker::HiddenTextDisagrees { page: 1 }]);
    assert_eq!(read.words.source, Source::Ocr);
    let text = text(&read.words);
    assert!(text.contains("43.15") && !text.contains("93.15"), "{text}");
}

/// A receipt with more lines than it shows.
fn with_hidden(mode: u8, grey: f32) -> Vec<u8> {
    let mut sheet = receipt();
    let mark = |row: u8| Mark { text: format!("Hidden line {row} total 900.{row}0"), at: (60.0, 84.0 - 16.0 * f32::from(row)), mode, grey };
    sheet.marks.extend((0..5).map(mark));
    pdf(&[sheet])
}

fn assert_hidden_unused(file: Vec<u8>) {
    let page = page(file);
    assert_eq!(page.text_layer_state, TextLayerState::Disagrees);
    assert_eq!(page.text_layer, None);
    let read = read(page);
    assert_eq!(read.blockers, [Blocker::HiddenTextDisagrees { page: 1 }]);
    assert_eq!(read.words.source, Source::Ocr);
    let text = text(&read.words);
    assert!(text.contains("43.15") && !text.contains("900"), "{text}");
}

fn text_beside_the_ink_is_never_used() {
    assert_hidden_unused(with_hidden(3, 0.0));
}

fn white_text_is_never_used() {
    assert_hidden_unused(with_hidden(0, 1.0));
}

fn a_sideways_text_page_is_turned() {
    let upright = String::from_utf8(pdf(&[receipt()])).unwrap();
    // The file's table of offsets no longer fits, which readers of PDF must cope with anyway.
    let sideways = upright.replace("/MediaBox", "/Rotate 90 /MediaBox");
    let page = page(sideways.into_bytes());
    assert_eq!((page.turned_degrees, page.text_layer_state), (270, TextLayerState::Drawn));
    let read = read(page);
    assert!(text(&read.words).starts_with("Tamarind Grove Kitchen"), "{}", text(&read.words));
    assert!(read.words.words[0].bbox.top() < 0.2);
}

fn plain_text_keeps_its_lines() {
    let page = page("Caf\u{e9} Lindqvist\n\nTotal\t12,50 \u{20ac}\n".as_bytes().to_vec());
    assert_eq!(page.text_layer_state, TextLayerState::Given);
    let read = read(page);
    assert_eq!(text(&read.words), "Caf\u{e9} Lindqvist Total 12,50 \u{20ac}");
    assert_eq!(read.words.source, Source::TextLayer);
    let [_, name, total, ..] = read.words.words.as_slice() else { panic!("too few words") };
    assert!(total.bbox.top() > name.bbox.bottom());
}

fn long_files_cost_the_same_in_every_window() {
    let file = pdf(&vec![receipt(); 1_000]);
    let cost = |first: u32| {
        let began = Instant::now();
        let range = prepare_within(Limits::default(), file.clone(), (first, first + 15)).unwrap();
        assert_eq!((range.pages_total, range.pages.len()), (1_000, 16));
        began.elapsed().as_secs_f64()
    };
    let short = pdf(&vec![receipt(); 16]);
    let began = Instant::now();
    assert_eq!(prepare(short).unwrap().pages.len(), 16);
    let alone = began.elapsed().as_secs_f64();
    let windows = [1, 497, 985].map(cost);
    println!("16 pages alone {alone:.2} s, windows of a thousand {windows:.2?} s");
    // The wall clock of a busy machine is rough; a cost that grew with the file would be tens of times more.
    assert!(windows.iter().all(|window| *window < 2.0 * alone + 0.3), "{alone} {windows:?}");
}
