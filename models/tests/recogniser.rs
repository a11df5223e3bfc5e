//! The recogniser as its users meet it: trained on lines drawn here, stopped and taken up, written and read back, and given crops that are no lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use candle_core::Device;
use image::{GrayImage, Luma};
use models::recogniser::batch::Batch;
use models::recogniser::checkpoint::CheckpointError;
use models::recogniser::crop::{Strip, strip};
use models::recogniser::data::{Data, Line};
use models::recogniser::net::{FRAME, Net};
use models::recogniser::reader::Reader;
use models::recogniser::train::{self, Event, Host, Options, Outcome, TrainError};
use models::recogniser::weights::{self, WeightsError};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// Segments of the digits on a display of seven: top, upper left, upper right, middle, lower left, lower right, bottom.
const SEGMENTS: [u8; 10] = [0b1110111, 0b0010010, 0b1011101, 0b1011011, 0b0111010, 0b1101011, 0b1101111, 0b1010010, 0b1111111, 0b1111011];
/// Left, top, width and height of each segment.
const PLACES: [[u32; 4]; 7] = [[0, 0, 12, 3], [0, 0, 3, 12], [9, 0, 3, 12], [0, 10, 12, 3], [0, 11, 3, 12], [9, 11, 3, 12], [0, 20, 12, 3]];

/// A line of digits, as a display shows them, dark on light.
fn drawn(text: &str) -> GrayImage {
    let mut crop = GrayImage::from_pixel(text.len() as u32 * 18 + 12, 33, Luma([230]));
    for (place, digit) in text.bytes().enumerate() {
        let shown = SEGMENTS[usize::from(digit - b'0')];
        for (segment, [left, top, width, height]) in PLACES.into_iter().enumerate() {
            let lit = shown >> (6 - segment) & 1 == 1;
            for y in (0..height).filter(|_| lit) {
                for x in 0..width {
                    crop.put_pixel(place as u32 * 18 + 9 + left + x, 5 + top + y, Luma([40]));
                }
            }
        }
    }
    crop
}

/// Each text is a document of an issuer of its own.
fn data(texts: &[String]) -> Data {
    let line = |(document, text): (usize, &String)| Line { crop: drawn(text), text: text.clone(), document };
    Data {
        lines: texts.iter().enumerate().map(line).collect(),
        issuers: (0..texts.len()).map(|document| format!("issuer {document}")).collect(),
        hash: "drawn".to_owned(),
    }
}

fn options(folder: &Path, epochs: usize) -> Options {
    Options {
        epochs,
        seed: 3,
        threads: 2,
        hold_out: 0.0,
        out: folder.join("weights.safetensors"),
        checkpoint: Some(folder.join("checkpoint")),
        checkpoint_every: Duration::MAX,
        command: "a test".to_owned(),
        date: "2026-01-01".to_owned(),
    }
}

/// Counts steps, stops after so many of them, and keeps the losses of epochs.
struct Watcher {
    steps: usize,
    stop_after: usize,
    losses: Vec<f64>,
}

impl Watcher {
    fn patient() -> Self {
        Self::impatient(usize::MAX)
    }

    fn impatient(stop_after: usize) -> Self {
        Self { steps: 0, stop_after, losses: Vec::new() }
    }
}

impl Host for Watcher {
    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }

    fn tell(&mut self, event: Event<'_>) {
        match event {
            Event::Begun { .. } => {}
            Event::Step { .. } => self.steps += 1,
            Event::Epoch { result, .. } => self.losses.push(result.loss),
        }
    }

    fn stops(&self) -> bool {
        self.steps >= self.stop_after
    }
}

fn finished(data: &Data, options: &Options) -> PathBuf {
    let outcome = train::train(data, options, &Device::Cpu, &mut Watcher::patient()).expect("a training");
    assert!(matches!(outcome, Outcome::Finished { .. }));
    options.out.clone()
}

#[test]
fn a_handful_of_lines_is_learned_without_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let texts: Vec<String> = ["012", "345", "67", "89"].map(str::to_owned).to_vec();
    let data = data(&texts);
    let mut watcher = Watcher::patient();
    let options = Options { checkpoint: None, threads: 1, ..options(folder.path(), 300) };
    let outcome = train::train(&data, &options, &Device::Cpu, &mut watcher).expect("a training");
    assert!(matches!(outcome, Outcome::Finished { .. }));
    assert!(watcher.losses[299] < watcher.losses[0] / 10.0, "{:?}", watcher.losses);

    let reader = Reader::open(&folder.path().join("weights.safetensors"), &Device::Cpu).expect("weights");
    let crops: Vec<GrayImage> = data.lines.iter().map(|line| line.crop.clone()).collect();
    let lines = reader.read(&crops).expect("lines");
    assert_eq!(lines.iter().map(|line| line.text()).collect::<Vec<_>>(), texts);
    assert!(lines.iter().all(|line| line.lowest > 0.0 && line.lowest <= line.mean && line.mean <= 1.0));
}

#[test]
fn a_training_that_was_stopped_twice_ends_with_the_same_weights() {
    let texts: Vec<String> = (0..80).map(|number| format!("{:02}", number)).collect();
    let data = data(&texts);
    let whole = tempfile::tempdir().expect("a folder");
    let reference = std::fs::read(finished(&data, &options(whole.path(), 2))).expect("weights");
    let reference = tensors(&reference);

    let parts = tempfile::tempdir().expect("a folder");
    let options = options(parts.path(), 2);
    // Two steps an epoch: once within the first, once at the end of it.
    for steps in [1, 1] {
        let outcome = train::train(&data, &options, &Device::Cpu, &mut Watcher::impatient(steps)).expect("a part");
        assert!(matches!(outcome, Outcome::Stopped));
        assert!(!options.out.exists());
    }
    let resumed = std::fs::read(finished(&data, &options)).expect("weights");
    let resumed = tensors(&resumed);
    assert_eq!(resumed.keys().collect::<Vec<_>>(), reference.keys().collect::<Vec<_>>());
    assert!(resumed.iter().all(|(name, tensor)| tensor.data() == reference[name].data()));
}

/// The tensors of a weights' file by name; the order of its metadata is left to chance.
fn tensors(file: &[u8]) -> BTreeMap<String, TensorView<'_>> {
    SafeTensors::deserialize(file).expect("tensors").tensors().into_iter().collect()
}

#[test]
fn a_checkpoint_of_other_options_is_not_taken_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = data(&["12".to_owned(), "34".to_owned()]);
    let first = options(folder.path(), 2);
    train::train(&data, &first, &Device::Cpu, &mut Watcher::impatient(1)).expect("a part");
    let other = Options { seed: 4, ..first };
    let error = train::train(&data, &other, &Device::Cpu, &mut Watcher::patient()).expect_err("another seed");
    assert!(matches!(error, TrainError::Checkpoint(CheckpointError::Other { what: "seeds", .. })), "{error:?}");

    let all_held = Options { hold_out: 1.0, checkpoint: None, ..other };
    let error = train::train(&data, &all_held, &Device::Cpu, &mut Watcher::patient()).expect_err("nothing to train on");
    assert!(matches!(error, TrainError::NothingLeft(_)), "{error:?}");
}

#[test]
fn the_weights_say_how_they_were_made_and_what_they_are_worth() {
    let folder = tempfile::tempdir().expect("a folder");
    let texts: Vec<String> = (0..8).map(|number| format!("{number}")).collect();
    let options = Options { hold_out: 0.25, ..options(folder.path(), 1) };
    let file = finished(&data(&texts), &options);
    let reader = Reader::open(&file, &Device::Cpu).expect("weights");
    let origin = reader.origin();
    assert_eq!((origin.command.as_str(), origin.seed, origin.data.as_str(), origin.epochs), ("a test", 3, "drawn", 1));
    assert_eq!((origin.held_out.documents, origin.held_out.issuers, origin.held_out.score.lines), (2, 2, 2));
    assert!(std::fs::metadata(&file).expect("the file").len() <= 12 << 20);
}

#[test]
fn files_that_are_no_weights_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = std::fs::read(finished(&data(&["12".to_owned()]), &options(folder.path(), 1))).expect("weights");
    let (_, header) = SafeTensors::read_metadata(&bytes).expect("a header");
    let metadata = header.metadata().clone();
    let file = SafeTensors::deserialize(&bytes).expect("tensors");
    let rewritten = |change: &dyn Fn(&str) -> Option<Vec<usize>>, extra: bool| {
        let zeros = vec![0_u8; 4];
        let mut tensors: Vec<(String, TensorView<'_>)> = file
            .tensors()
            .into_iter()
            .filter_map(|(name, tensor)| {
                let shape = change(&name)?;
                let shape = if shape.is_empty() { tensor.shape().to_vec() } else { shape };
                let view = TensorView::new(tensor.dtype(), shape, tensor.data()).expect("the same numbers");
                Some((name, view))
            })
            .collect();
        if extra {
            tensors.push(("more".to_owned(), TensorView::new(Dtype::F32, vec![1], &zeros).expect("a number")));
        }
        let bytes = safetensors::serialize(tensors, metadata.clone()).expect("a file");
        weights::load(&bytes, &Device::Cpu).map(|_| ())
    };
    let same = |_: &str| Some(Vec::new());
    assert!(rewritten(&same, false).is_ok());
    assert!(matches!(rewritten(&same, true), Err(WeightsError::Extra(name)) if name == "more"));
    let without = |name: &str| (name != "head.bias").then(Vec::new);
    assert!(matches!(rewritten(&without, false), Err(WeightsError::Missing(name)) if name == "head.bias"));
    let bent = |name: &str| Some(if name == "head.bias" { vec![1, 3] } else { Vec::new() });
    assert!(matches!(rewritten(&bent, false), Err(WeightsError::Shape { name, .. }) if name == "head.bias"));

    assert!(matches!(weights::load(b"nonsense", &Device::Cpu), Err(WeightsError::Format(_))));
    assert!(matches!(weights::load(&bytes[..bytes.len() / 2], &Device::Cpu), Err(WeightsError::Format(_))));
    let away = folder.path().join("away");
    assert!(matches!(Reader::open(&away, &Device::Cpu), Err(WeightsError::Read { .. })));
}

#[test]
fn crops_that_are_no_lines_read_as_nothing_beside_lines_that_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = finished(&data(&["12".to_owned()]), &options(folder.path(), 1));
    let reader = Reader::open(&file, &Device::Cpu).expect("weights");
    let sizes = [(0, 0), (0, 30), (30, 0), (10_000, 1), (10_000, 20)];
    let mut crops: Vec<GrayImage> = sizes.iter().map(|&(width, height)| GrayImage::new(width, height)).collect();
    crops.extend([(1, 1), (1, 40), (2_000, 40), (3, 3_000)].map(|(width, height)| GrayImage::new(width, height)));
    crops.push(drawn("12"));
    let lines = reader.read(&crops).expect("lines");
    assert_eq!(lines.len(), crops.len());
    assert!(lines[..sizes.len()].iter().all(|line| line.words.is_empty() && line.mean == 0.0 && line.lowest == 0.0));
    assert!(lines[sizes.len()..].iter().all(|line| line.mean > 0.0 && line.mean <= 1.0));
    assert_eq!(lines[crops.len() - 1], reader.read(&crops[crops.len() - 1..]).expect("a line")[0]);
    assert!(reader.read(&[]).expect("no lines").is_empty());
}

/// A net whose running statistics are not the first ones.
fn used_net() -> Net {
    let net = Net::new(10, 5, &Device::Cpu).expect("a net");
    let strips: Vec<Strip> = ["0123", "98"].iter().map(|text| strip(&drawn(text)).expect("a strip")).collect();
    for _ in 0..20 {
        let pass = net.train(&Batch::new(&strips.iter().collect::<Vec<_>>(), &Device::Cpu).expect("a batch")).expect("a pass");
        net.learn_moments(&[pass.moments]).expect("moments");
    }
    net
}

#[test]
fn the_net_gives_a_score_per_frame_and_symbol() {
    let net = used_net();
    let strip = strip(&drawn("0123")).expect("a strip");
    let batch = Batch::new(&[&strip], &Device::Cpu).expect("a batch");
    let scores = net.read(&batch).expect("scores");
    assert_eq!(batch.frames(0), strip.width() / FRAME);
    let (lines, frames, classes) = scores.dims3().expect("three dimensions");
    assert_eq!((lines, classes), (1, 11));
    assert!(frames >= batch.frames(0));
    let numbers: usize = net.trained().iter().map(|(_, var)| var.elem_count()).sum();
    assert!((1_600_000..1_700_000).contains(&numbers), "{numbers}");
}

#[test]
fn a_line_reads_the_same_alone_and_among_wider_ones() {
    let net = used_net();
    let texts = ["0123456789", "5550", "31", "7"];
    let strips: Vec<Strip> = texts.iter().map(|text| strip(&drawn(text)).expect("a strip")).collect();
    let scores = |strips: &[&Strip]| net.read(&Batch::new(strips, &Device::Cpu).expect("a batch")).expect("scores");
    let together = scores(&strips.iter().collect::<Vec<_>>());
    for (place, strip) in strips.iter().enumerate() {
        let frames = strip.width() / FRAME;
        let own = |scores: &candle_core::Tensor, line: usize| {
            scores.get(line).and_then(|line| line.narrow(0, 0, frames)?.flatten_all()?.to_vec1::<f32>()).expect("a line's scores")
        };
        for (alone, together) in own(&scores(&[strip]), 0).into_iter().zip(own(&together, place)) {
            assert!((alone - together).abs() < 1e-4, "line {place}: {alone} and {together}");
        }
    }
}
