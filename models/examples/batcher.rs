//! The served recogniser against the same net line by line, at mixed widths, on random weights:
//! `RAYON_NUM_THREADS=1 cargo run --release -p models --example batcher`.
//!
//! Both take turns within one run, so that a busy machine slows both; the ratio is what counts. `-- --lines 500 --rounds 9` is longer.

use std::path::Path;
use std::time::{Duration, Instant};

use candle_core::Device;
use image::{GrayImage, Luma};
use models::recogniser::alphabet::Alphabet;
use models::recogniser::crop::{Strip, strip};
use models::recogniser::lines::Lines;
use models::recogniser::net::Net;
use models::recogniser::weights::{self, HeldOut, Origin};
use models::serve::{Backend, Handle, Priority, Request, Service, Settings, Tenant};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn main() {
    let lines = argument("--lines").unwrap_or(200);
    let rounds = argument("--rounds").unwrap_or(5);
    let mut rng = StdRng::seed_from_u64(7);
    let strips: Vec<Strip> = (0..lines).map(|_| picture(&mut rng)).collect();
    let columns: usize = strips.iter().map(Strip::width).sum();
    println!(
        "{lines} lines of {} to {} columns, {columns} in all; {rounds} rounds",
        width(strips.iter().min_by_key(width_of)),
        width(strips.iter().max_by_key(width_of))
    );

    let backend = Lines::new(random_weights(), Device::Cpu);
    let mut reader = backend.load().expect("a reader");
    // Everything is handed in at once, so the bench needs room for all of it.
    let room = columns.max(Lines::settings().item_cost);
    let settings = Settings { tenant_cost: room, total_cost: room, ..Lines::settings() };
    let service = Service::start(Lines::new(random_weights(), Device::Cpu), settings).expect("a service");
    let handle = service.handle();

    let mut ratios = Vec::new();
    for round in 1..=rounds {
        let alone = timed(|| {
            for strip in &strips {
                backend.pack(&[strip]).and_then(|batch| backend.run(&mut reader, batch)).expect("a line");
            }
        });
        let served = timed(|| serve(&handle, &strips));
        ratios.push(alone.as_secs_f64() / served.as_secs_f64());
        let each = |took: Duration| took.as_secs_f64() * 1e3 / lines as f64;
        println!(
            "round {round}: alone {:.2} ms a line, served {:.2} ms a line, ratio {:.2}",
            each(alone),
            each(served),
            ratios[ratios.len() - 1]
        );
    }
    ratios.sort_by(f64::total_cmp);
    println!("median ratio {:.2} ({:.2} to {:.2})", ratios[ratios.len() / 2], ratios[0], ratios[ratios.len() - 1]);
}

/// Hands in everything at once, as four tenants would, and waits for all.
fn serve(handle: &Handle<Lines>, strips: &[Strip]) {
    let submit = |(place, strip): (usize, &Strip)| {
        let request = Request { tenant: Tenant(place as u128 % 4), priority: Priority::Normal, deadline: None, input: strip.clone() };
        handle.submit(request).expect("room")
    };
    let answers: Vec<_> = strips.iter().enumerate().map(submit).collect();
    for answer in answers {
        answer.wait().expect("a line");
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn argument(name: &str) -> Option<usize> {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|argument| argument == name)?;
    arguments.get(place + 1)?.parse().ok()
}

fn width_of(strip: &&Strip) -> usize {
    strip.width()
}

fn width(strip: Option<&Strip>) -> usize {
    strip.map_or(0, Strip::width)
}

/// Widths as receipts have them: many words and amounts, few whole lines.
fn picture(rng: &mut StdRng) -> Strip {
    let width = (60.0 * f64::exp(rng.random_range(0.0..2.7))) as u32;
    let crop = GrayImage::from_fn(width, 32, |_, _| Luma([rng.random_range(0..=255)]));
    strip(&crop).expect("a strip")
}

/// Random weights as a file's bytes: speed does not depend on what they know.
fn random_weights() -> Vec<u8> {
    let alphabet = Alphabet::parse(" 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ").expect("symbols");
    let net = Net::new(alphabet.len(), 1, &Device::Cpu).expect("a net");
    let origin = Origin {
        command: "none".to_owned(),
        seed: 1,
        data: "none".to_owned(),
        epochs: 0,
        hold_out: 0.0,
        date: "none".to_owned(),
        held_out: HeldOut::default(),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let file: &Path = &folder.path().join("weights.safetensors");
    weights::save(file, &net, &alphabet, &origin).expect("a file");
    std::fs::read(file).expect("weights")
}
