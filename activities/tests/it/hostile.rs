//! Files that are broken, locked or made to hurt: a clear word, little time, little memory, and no harm to their neighbours.

use std::time::{Duration, Instant};

use activities::reading::{Limits, PrepareError, PrepareFile, Sandbox};
use domain::blocker::Blocker;
use domain::evidence::MediaType;
use image::{GrayImage, ImageFormat};

use crate::Test;
use crate::draw::{encoded, jpeg_with_orientation, pdf, pdf_with_trailer, receipt, receipt_picture, tiff};
use crate::scene::{prepare, prepare_within, runtime, sample, sandbox, sandbox_of};

pub const TESTS: &[Test] = &[
    ("a_bomb_costs_little", a_bomb_costs_little),
    ("encrypted_files_are_named", encrypted_files_are_named),
    ("broken_files_are_corrupt", broken_files_are_corrupt),
    ("limits_on_bytes_pixels_and_pages_hold", limits_on_bytes_pixels_and_pages_hold),
    ("one_bad_page_leaves_the_others", one_bad_page_leaves_the_others),
    ("time_runs_out", time_runs_out),
    ("a_missing_program_is_worth_another_try", a_missing_program_is_worth_another_try),
    ("a_child_that_babbles_is_ended", a_child_that_babbles_is_ended),
    ("the_child_is_confined", the_child_is_confined),
];

fn refusal(bytes: Vec<u8>) -> &'static str {
    reason(prepare(bytes))
}

fn reason<T: std::fmt::Debug>(outcome: Result<T, PrepareError>) -> &'static str {
    match outcome {
        Err(PrepareError::Unreadable { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

/// Most memory that any child of this process ever held.
#[expect(unsafe_code, reason = "the resource usage of children has no safe wrapper")]
fn peak_of_children() -> u64 {
    // SAFETY: the structure is plain numbers, valid when zero, and outlives the call that fills it.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        assert_eq!(libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage), 0);
        usage
    };
    u64::try_from(usage.ru_maxrss).unwrap() * 1024
}

fn a_bomb_costs_little() {
    for name in ["bomb-22000.png", "bomb-50000.png", "bomb-lying-header.jpg"] {
        let began = Instant::now();
        assert_eq!(refusal(sample(name)), "too_large", "{name}");
        assert!(began.elapsed() < Duration::from_secs(10), "{name}");
    }
    assert!(peak_of_children() < 600 << 20);
}

fn encrypted_files_are_named() {
    assert!(matches!(prepare(sample("invoice-encrypted.pdf")), Err(PrepareError::Encrypted)));
    let secret = "<0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef>";
    let trailer = format!("/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O {secret} /U {secret} >> /ID [<00> <00>]");
    assert!(matches!(prepare(pdf_with_trailer(&[receipt()], &trailer)), Err(PrepareError::Encrypted)));
}

fn broken_files_are_corrupt() {
    let jpeg = jpeg_with_orientation(&receipt_picture(), 1);
    assert_eq!(refusal(jpeg[..200].to_vec()), "corrupt");
    let png = encoded(&receipt_picture(), ImageFormat::Png);
    assert_eq!(refusal(png[..png.len() / 2].to_vec()), "corrupt");
    assert_eq!(refusal(b"%PDF-1.7 and nothing else".to_vec()), "corrupt");
    assert_eq!(refusal(b"II*\0\xff\xff\xff\xff".to_vec()), "corrupt");
    assert_eq!(refusal(sample("corrupt.jpg")), "corrupt");
    assert_eq!(refusal(sample("corrupt.pdf")), "corrupt");
    let empty = PrepareFile { bytes: bytes::Bytes::new(), media_type: MediaType::Pdf, first_page: 1, last_page: 1 };
    assert_eq!(reason(runtime().block_on(sandbox(Limits::default()).prepare(empty))), "empty");
}

fn limits_on_bytes_pixels_and_pages_hold() {
    let limits = Limits { file_bytes: 100, ..Limits::default() };
    assert_eq!(reason(prepare_within(limits, pdf(&[receipt()]), (1, 1))), "too_large");
    let limits = Limits { pixels: 10_000, ..Limits::default() };
    assert_eq!(reason(prepare_within(limits, encoded(&receipt_picture(), ImageFormat::Png), (1, 1))), "too_large");
    let limits = Limits { pages: 3, ..Limits::default() };
    assert_eq!(reason(prepare_within(limits, pdf(&vec![receipt(); 4]), (1, 1))), "too_many_pages");
    let speck = GrayImage::from_pixel(8, 8, image::Luma([255]));
    assert_eq!(reason(prepare_within(limits, tiff(&vec![speck; 4]), (1, 1))), "too_many_pages");
}

fn one_bad_page_leaves_the_others() {
    // The second page asks for more memory than the child may have, which ends the child.
    let small = GrayImage::from_pixel(100, 100, image::Luma([255]));
    let large = GrayImage::from_pixel(8_900, 8_900, image::Luma([255]));
    // A third of it is the program's own, another third may be set aside for the heap of a thread: less left too little for small pages.
    let limits = Limits { address_space: 192 << 20, ..Limits::default() };
    let range = prepare_within(limits, tiff(&[small.clone(), large, small]), (1, 8)).unwrap();
    let drawn: Vec<bool> = range.pages.iter().map(|page| page.image.is_some()).collect();
    assert_eq!(drawn, [true, false, true]);
    assert_eq!(range.pages[1].blocker, Some(Blocker::UnreadablePage { page: 2 }));
    assert_eq!(range.pages_total, 3);
}

fn time_runs_out() {
    let folder = tempfile::tempdir().unwrap();
    let silent = sandbox_of(folder.path(), "exec sleep 600", Limits { step: Duration::from_millis(50), ..Limits::default() });
    assert_eq!(reason(runtime().block_on(silent.prepare(a_receipt()))), "timed_out");
}

fn a_missing_program_is_worth_another_try() {
    let sandbox = Sandbox { executable: "/nowhere/at/all".into(), limits: Limits::default(), threads: 1 };
    let request = PrepareFile { bytes: pdf(&[receipt()]).into(), media_type: MediaType::Pdf, first_page: 1, last_page: 1 };
    assert!(matches!(runtime().block_on(sandbox.prepare(request)), Err(PrepareError::Engine { .. })));
}

fn a_child_that_babbles_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let babbling = sandbox_of(folder.path(), "head -c 100000 /dev/zero | tr '\\0' '\\377'\nsleep 600", Limits::default());
    assert_eq!(reason(runtime().block_on(babbling.prepare(a_receipt()))), "corrupt");
}

fn a_receipt() -> PrepareFile {
    PrepareFile { bytes: pdf(&[receipt()]).into(), media_type: MediaType::Pdf, first_page: 1, last_page: 1 }
}

fn the_child_is_confined() {
    let range = prepare(pdf(&[receipt()])).unwrap();
    println!("the child could leave the network: {}", range.network_cut);
    assert!(range.peak_bytes > 0 && range.peak_bytes < 300 << 20, "{}", range.peak_bytes);
    assert!(range.cpu_seconds > 0.0);
}
