//! Trains the recogniser on labelled lines: epochs of augmented batches, a score on held-out issuers after each, a checkpoint every few minutes, and weights
//! with their origin at the end. The same data, options and number of threads give the same weights, also when the run was interrupted.

use std::path::PathBuf;
use std::time::Duration;

use candle_core::Device;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use thiserror::Error;

use super::alphabet::{Alphabet, AlphabetError};
use super::batch::by_width;
use super::checkpoint::{self, CheckpointError, Epoch, Identity, Progress};
use super::crop::{Strip, natural_width, strip};
use super::data::Data;
use super::net::Net;
use super::optimiser::{AdamW, clip, rate};
use super::reader::read_strips;
use super::score::{Confusions, Score};
use super::split::held_out;
use super::step::{Example, learn};
use super::weights::{self, HeldOut, Origin, WeightsError};

/// Columns and lines of a training batch, from the design's section 13.
const BATCH_PIXELS: usize = 6_000;
const BATCH_LINES: usize = 64;
/// Widths are judged with this much chance, so that a line meets other neighbours in every epoch.
const JITTER: std::ops::Range<f32> = 0.85..1.15;
/// Columns and lines of a batch for reading: no gradient, so the processor's caches decide.
const READ_PIXELS: usize = 4_000;
const READ_LINES: usize = 16;

/// Why a training ended without weights.
#[derive(Debug, Error)]
pub enum TrainError {
    #[error("learn the symbols of the data")]
    Alphabet(#[source] AlphabetError),
    #[error("nothing is left to train on when a share of {0} is held out")]
    NothingLeft(f64),
    #[error("the loss is no number any more, in step {step} of epoch {epoch}")]
    Diverged { epoch: usize, step: usize },
    #[error("compute a step")]
    Tensor(#[source] candle_core::Error),
    #[error("keep or take up the training")]
    Checkpoint(#[source] CheckpointError),
    #[error("write the weights")]
    Weights(#[source] WeightsError),
}

/// What to train, and where to keep it.
#[derive(Clone, Debug)]
pub struct Options {
    pub epochs: usize,
    pub seed: u64,
    /// Threads, each with a part of every batch.
    pub threads: usize,
    /// Share of the documents whose issuers are held out, 0 to 1.
    pub hold_out: f64,
    /// The weights' file.
    pub out: PathBuf,
    /// Folder for the state of a running training; without it an interrupted run is lost.
    pub checkpoint: Option<PathBuf>,
    /// Longest time between two checkpoints.
    pub checkpoint_every: Duration,
    /// The command line and the date, for the weights' metadata.
    pub command: String,
    pub date: String,
}

/// What a training tells while it runs.
#[derive(Debug)]
pub enum Event<'a> {
    /// Begun, or taken up after so many epochs and steps.
    Begun { lines: usize, held_out: &'a HeldOut, symbols: usize, epochs: usize, steps: usize },
    /// A step of an epoch is done; the loss is the epoch's mean so far, in nats a symbol.
    Step { epoch: usize, step: usize, steps: usize, lines: usize, loss: f64, done: f64 },
    /// An epoch is done and scored.
    Epoch { epoch: usize, result: &'a Epoch },
}

/// Whoever started the training.
pub trait Host {
    /// Time since any fixed moment.
    fn elapsed(&self) -> Duration;
    /// Hears what happens.
    fn tell(&mut self, event: Event<'_>);
    /// Asked after every step: whether to keep what was learned and stop.
    fn stops(&self) -> bool;
}

/// How a training ended.
#[derive(Debug)]
pub enum Outcome {
    /// The weights are written.
    Finished { origin: Origin, epochs: Vec<Epoch>, confusions: Confusions },
    /// The host stopped it; the checkpoint has what was learned.
    Stopped,
}

/// Trains to the end, or until the host stops it.
pub fn train(data: &Data, options: &Options, device: &Device, host: &mut dyn Host) -> Result<Outcome, TrainError> {
    let alphabet = Alphabet::learn(data.lines.iter().map(|line| line.text.as_str())).map_err(TrainError::Alphabet)?;
    let sides = Sides::new(data, &alphabet, options);
    if sides.trained.is_empty() {
        return Err(TrainError::NothingLeft(options.hold_out));
    }
    let net = Net::new(alphabet.len(), options.seed, device).map_err(TrainError::Tensor)?;
    let identity = Identity { seed: options.seed, epochs: options.epochs, hold_out: options.hold_out, data: data.hash.clone() };
    let mut run = Run { optimiser: AdamW::new(&net.trained()), progress: Progress::new(identity), net, alphabet, sides, options, device };
    run.take_up()?;
    let Run { sides, progress, alphabet, .. } = &run;
    host.tell(Event::Begun {
        lines: sides.trained.len(),
        held_out: &sides.held_out,
        symbols: alphabet.len(),
        epochs: progress.epochs.len(),
        steps: progress.step,
    });
    while run.progress.epochs.len() < options.epochs {
        if !run.epoch(data, host)? {
            return Ok(Outcome::Stopped);
        }
    }
    run.finish(data)
}

/// The lines on either side of the split, as places in the data.
struct Sides {
    /// With the numbers of their texts and their widths at 32 rows.
    trained: Vec<(usize, Vec<usize>, usize)>,
    held: Vec<usize>,
    /// Not yet scored.
    held_out: HeldOut,
}

impl Sides {
    fn new(data: &Data, alphabet: &Alphabet, options: &Options) -> Self {
        let is_held = held_out(&data.issuers, options.hold_out, options.seed);
        let held = (0..data.lines.len()).filter(|&line| is_held[data.lines[line].document]).collect();
        let trained = data.lines.iter().enumerate().filter(|(_, line)| !is_held[line.document]).filter_map(|(place, line)| {
            let width = natural_width(line.crop.width() as f32, line.crop.height() as f32)?;
            Some((place, alphabet.encode(&line.text)?, width))
        });
        let mut issuers: Vec<&String> = data.issuers.iter().zip(&is_held).filter(|(_, held)| **held).map(|(issuer, _)| issuer).collect();
        let documents = issuers.len();
        issuers.sort();
        issuers.dedup();
        Self { trained: trained.collect(), held, held_out: HeldOut { documents, issuers: issuers.len(), score: Score::default() } }
    }
}

struct Run<'a> {
    net: Net,
    alphabet: Alphabet,
    optimiser: AdamW,
    progress: Progress,
    sides: Sides,
    options: &'a Options,
    device: &'a Device,
}

impl Run<'_> {
    fn take_up(&mut self) -> Result<(), TrainError> {
        let Some(folder) = &self.options.checkpoint else { return Ok(()) };
        let found = checkpoint::load(folder, &self.progress.identity, &self.net, &mut self.optimiser).map_err(TrainError::Checkpoint)?;
        self.progress = found.unwrap_or_else(|| self.progress.clone());
        Ok(())
    }

    fn keep(&self) -> Result<(), TrainError> {
        let Some(folder) = &self.options.checkpoint else { return Ok(()) };
        checkpoint::save(folder, &self.net, &self.optimiser, &self.progress).map_err(TrainError::Checkpoint)
    }

    /// Does what is left of an epoch and scores it. False where the host stopped it.
    fn epoch(&mut self, data: &Data, host: &mut dyn Host) -> Result<bool, TrainError> {
        let epoch = self.progress.epochs.len();
        let batches = self.plan(epoch);
        let mut kept_at = host.elapsed();
        for (step, batch) in batches.iter().enumerate().skip(self.progress.step) {
            let done = (epoch as f64 + step as f64 / batches.len() as f64) / self.options.epochs as f64;
            self.step(data, batch, done)?;
            self.progress.step = step + 1;
            let loss = self.progress.loss / self.progress.lines.max(1) as f64;
            if !loss.is_finite() {
                return Err(TrainError::Diverged { epoch: epoch + 1, step: step + 1 });
            }
            host.tell(Event::Step { epoch: epoch + 1, step: step + 1, steps: batches.len(), lines: batch.len(), loss, done });
            if host.stops() {
                self.keep()?;
                return Ok(false);
            }
            if host.elapsed().saturating_sub(kept_at) >= self.options.checkpoint_every {
                self.keep()?;
                kept_at = host.elapsed();
            }
        }
        let (held_out, _) = self.score(data)?;
        let result = Epoch { loss: self.progress.loss / self.progress.lines.max(1) as f64, held_out };
        host.tell(Event::Epoch { epoch: epoch + 1, result: &result });
        self.progress.epochs.push(result);
        (self.progress.step, self.progress.loss, self.progress.lines) = (0, 0.0, 0);
        self.keep()?;
        Ok(true)
    }

    /// The batches of an epoch, as places in `Sides::trained`; known from seed and epoch alone.
    fn plan(&self, epoch: usize) -> Vec<Vec<usize>> {
        let mut rng = StdRng::seed_from_u64(mixed(self.options.seed, epoch, usize::MAX));
        let widths: Vec<usize> =
            self.sides.trained.iter().map(|(_, _, width)| (*width as f32 * rng.random_range(JITTER)) as usize + 1).collect();
        let mut batches = by_width(&widths, BATCH_PIXELS, BATCH_LINES);
        batches.shuffle(&mut rng);
        batches
    }

    fn step(&mut self, data: &Data, batch: &[usize], done: f64) -> Result<(), TrainError> {
        let epoch = self.progress.epochs.len();
        let example = |&place: &usize| {
            let (line, text, _) = &self.sides.trained[place];
            Example { line: &data.lines[*line], text, seed: mixed(self.options.seed, epoch, *line) }
        };
        let examples: Vec<Example<'_>> = batch.iter().map(example).collect();
        let mut lesson = learn(&self.net, &examples, self.options.threads, self.device).map_err(TrainError::Tensor)?;
        if lesson.lines > 0 {
            clip(&mut lesson.gradients);
            self.optimiser.step(&self.net.trained(), &lesson.gradients, rate(done)).map_err(TrainError::Tensor)?;
            self.net.learn_moments(&lesson.moments).map_err(TrainError::Tensor)?;
        }
        self.progress.loss += lesson.loss;
        self.progress.lines += lesson.lines;
        self.progress.optimiser_steps = self.optimiser.steps;
        Ok(())
    }

    /// Reads the held-out lines as they are.
    fn score(&self, data: &Data) -> Result<(Score, Confusions), TrainError> {
        let strips: Vec<Option<Strip>> = self.sides.held.iter().map(|&line| strip(&data.lines[line].crop)).collect();
        let readable: Vec<usize> = (0..strips.len()).filter(|&place| strips[place].is_some()).collect();
        let strips: Vec<&Strip> = strips.iter().flatten().collect();
        let widths: Vec<usize> = strips.iter().map(|strip| strip.width()).collect();
        let batches = by_width(&widths, READ_PIXELS, READ_LINES);
        let threads = self.options.threads.max(1);
        let read = |part: usize| {
            let mut texts = Vec::new();
            for batch in batches.iter().skip(part).step_by(threads) {
                let members: Vec<&Strip> = batch.iter().map(|&member| strips[member]).collect();
                let lines = read_strips(&self.net, &self.alphabet, &members, self.device)?;
                texts.extend(batch.iter().zip(lines).map(|(&member, line)| (readable[member], line.text())));
            }
            Ok(texts)
        };
        let texts = std::thread::scope(|scope| {
            let read = &read;
            let handles: Vec<_> = (0..threads).map(|part| scope.spawn(move || read(part))).collect();
            let join =
                |handle: std::thread::ScopedJoinHandle<'_, _>| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            handles.into_iter().map(join).collect::<candle_core::Result<Vec<_>>>()
        });
        let mut readings = vec![String::new(); self.sides.held.len()];
        for (place, text) in texts.map_err(TrainError::Tensor)?.into_iter().flatten() {
            readings[place] = text;
        }
        let (mut score, mut confusions) = (Score::default(), Confusions::default());
        for (&line, reading) in self.sides.held.iter().zip(&readings) {
            score.add(&data.lines[line].text, reading);
            confusions.add(&data.lines[line].text, reading);
        }
        Ok((score, confusions))
    }

    fn finish(self, data: &Data) -> Result<Outcome, TrainError> {
        let (score, confusions) = self.score(data)?;
        let origin = Origin {
            command: self.options.command.clone(),
            seed: self.options.seed,
            data: data.hash.clone(),
            epochs: self.options.epochs,
            hold_out: self.options.hold_out,
            date: self.options.date.clone(),
            held_out: HeldOut { score, ..self.sides.held_out },
        };
        weights::save(&self.options.out, &self.net, &self.alphabet, &origin).map_err(TrainError::Weights)?;
        Ok(Outcome::Finished { origin, epochs: self.progress.epochs, confusions })
    }
}

/// A seed for one line in one epoch (the finaliser of SplitMix64), so that no state of chance has to be kept.
fn mixed(seed: u64, epoch: usize, line: usize) -> u64 {
    let mut mixed = seed ^ (epoch as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (line as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
