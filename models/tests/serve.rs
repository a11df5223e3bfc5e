//! The recogniser as a served model: what it reads in batches is what it reads alone.

use candle_core::Device;
use image::{GrayImage, Luma};
use models::recogniser::alphabet::Alphabet;
use models::recogniser::crop::{Strip, strip};
use models::recogniser::lines::Lines;
use models::recogniser::net::Net;
use models::recogniser::reader::Line;
use models::recogniser::weights::{self, HeldOut, Origin};
use models::serve::{Backend, Priority, Refused, Request, Service, Tenant};

/// The bytes of random weights.
fn weights() -> Vec<u8> {
    let alphabet = Alphabet::parse(" 0123456789ABCDEFGHIJ").expect("symbols");
    let net = Net::new(alphabet.len(), 11, &Device::Cpu).expect("a net");
    let origin = Origin {
        command: "a test".to_owned(),
        seed: 11,
        data: "none".to_owned(),
        epochs: 0,
        hold_out: 0.0,
        date: "2026-01-01".to_owned(),
        held_out: HeldOut::default(),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("weights.safetensors");
    weights::save(&file, &net, &alphabet, &origin).expect("a file");
    std::fs::read(file).expect("weights")
}

/// Bars of irregular breadth: every strip is another picture, whatever its width.
fn picture(width: u32) -> Strip {
    let crop = GrayImage::from_fn(width, 32, |x, y| Luma([if (x * x / 7 + x * width + y / 9) % 11 < 4 { 30 } else { 220 }]));
    strip(&crop).expect("a strip")
}

const WIDTHS: [u32; 10] = [40, 260, 8, 130, 131, 257, 4, 62, 500, 140];

fn assert_same(batched: &Line, alone: &Line, what: u32) {
    assert_eq!(batched.text(), alone.text(), "{what}");
    let near = |one: f32, other: f32| (one - other).abs() < 1e-4;
    assert!(near(batched.mean, alone.mean) && near(batched.lowest, alone.lowest), "{what}: {batched:?} and {alone:?}");
}

#[test]
fn a_batch_reads_as_its_lines_alone() {
    let lines = Lines::new(weights(), Device::Cpu);
    let mut reader = lines.load().expect("a reader");
    let mut widths = WIDTHS;
    widths.sort_by_key(|width| std::cmp::Reverse(*width));
    let strips = widths.map(picture);
    let mut read = |strips: &[&Strip]| lines.pack(strips).and_then(|batch| lines.run(&mut reader, batch)).expect("lines");
    let batched = read(&strips.each_ref());
    assert_eq!(batched.len(), strips.len());
    for ((strip, batched), width) in strips.iter().zip(&batched).zip(widths) {
        assert_same(batched, &read(&[strip])[0], width);
    }
}

#[test]
fn served_lines_are_those_of_the_reader() {
    let lines = Lines::new(weights(), Device::Cpu);
    let mut reader = lines.load().expect("a reader");
    let alone =
        WIDTHS.map(|width| lines.pack(&[&picture(width)]).and_then(|batch| lines.run(&mut reader, batch)).expect("a line").remove(0));
    let service = Service::start(lines, Lines::settings()).expect("a service");
    let handle = service.handle();
    let submit = |(place, width): (usize, u32)| {
        let request = Request { tenant: Tenant(place as u128 % 3), priority: Priority::Normal, deadline: None, input: picture(width) };
        handle.submit(request).expect("room")
    };
    let answers: Vec<_> = WIDTHS.into_iter().enumerate().map(submit).collect();
    for ((answer, alone), width) in answers.into_iter().zip(&alone).zip(WIDTHS) {
        assert_same(&answer.wait().expect("a line"), alone, width);
    }
    service.stop();
    let request = Request { tenant: Tenant(1), priority: Priority::Normal, deadline: None, input: picture(8) };
    assert!(matches!(handle.submit(request), Err(Refused::Stopped)));
}
