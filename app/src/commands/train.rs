//! `assay train`: makes the weights of our own models from labelled data. For developers; nothing that serves needs the data.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use candle_core::Device;
use domain::clock::{Clock, SystemClock};
use models::recogniser::data;
use models::recogniser::score::{Confusions, Score};
use models::recogniser::train::{self, Event, Host, Options, Outcome};
use tokio_util::sync::CancellationToken;

use crate::stop;

/// A training that is killed loses at most this much.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(4 * 60);
/// Time between two lines of progress.
const TELL_EVERY: Duration = Duration::from_secs(20);
/// Pairs of symbols in the report on what is taken for what.
const CONFUSIONS: usize = 30;

/// What to train.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// The recogniser of lines, on receipts with labelled lines
    Recogniser(Recogniser),
}

/// Options of `assay train recogniser`.
#[derive(Clone, Debug, clap::Args)]
pub struct Recogniser {
    /// Folder of receipts: NNN.jpg, NNN.lines.csv and NNN.json
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The weights' file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Keep the training's state here every few minutes, and go on from it if it is there
    #[arg(long, value_name = "DIR")]
    pub checkpoint: Option<PathBuf>,
    #[arg(long, default_value_t = 24)]
    pub epochs: usize,
    /// Seed of the split, the first weights, the order and the augmentation
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads that share every batch; another number gives other weights
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Share of the receipts whose issuers are held out for the score
    #[arg(long, value_name = "SHARE", default_value_t = 0.25)]
    pub hold_out: f64,
}

/// Trains until the end or a signal.
pub async fn run(command: Command) -> Result<ExitCode> {
    let Command::Recogniser(arguments) = command;
    ensure!((0.0..1.0).contains(&arguments.hold_out), "--hold-out is a share from 0 to less than 1");
    ensure!(arguments.epochs > 0 && arguments.threads > 0, "--epochs and --threads are at least 1");
    let stop = stop::on_signal()?;
    tokio::task::spawn_blocking(move || recogniser(arguments, stop)).await.context("wait for the training")?
}

fn recogniser(arguments: Recogniser, stop: CancellationToken) -> Result<ExitCode> {
    let data = data::read(&arguments.data).context("read the labelled lines")?;
    println!("train: {} lines of {} receipts, data {}", data.lines.len(), data.issuers.len(), &data.hash[..12]);
    let options = Options {
        epochs: arguments.epochs,
        seed: arguments.seed,
        threads: arguments.threads,
        hold_out: arguments.hold_out,
        out: arguments.out.clone(),
        checkpoint: arguments.checkpoint.clone(),
        checkpoint_every: CHECKPOINT_EVERY,
        command: command_line(&arguments),
        date: SystemClock.now().format("%Y-%m-%d").to_string(),
    };
    let mut host = Terminal { stop, begun: Instant::now(), told: Instant::now(), lines: 0, first: None };
    match train::train(&data, &options, &device(), &mut host).context("train the recogniser")? {
        Outcome::Finished { origin, epochs, confusions } => {
            println!(
                "train: wrote {} after {} epochs; held out: {}",
                arguments.out.display(),
                epochs.len(),
                figures(&origin.held_out.score)
            );
            print_confusions(&confusions);
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Stopped => {
            let kept = if arguments.checkpoint.is_some() { "the same command goes on from the checkpoint" } else { "nothing was kept" };
            println!("train: stopped; {kept}");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// A GPU where the build can use one and there is one.
fn device() -> Device {
    if cfg!(feature = "cuda") { Device::cuda_if_available(0).unwrap_or(Device::Cpu) } else { Device::Cpu }
}

/// What makes these weights again, without the paths of this machine.
fn command_line(arguments: &Recogniser) -> String {
    format!(
        "assay train recogniser --data DIR --out FILE --epochs {} --seed {} --threads {} --hold-out {}",
        arguments.epochs, arguments.seed, arguments.threads, arguments.hold_out
    )
}

/// Prints progress, and passes signals on.
struct Terminal {
    stop: CancellationToken,
    begun: Instant,
    told: Instant,
    /// Lines since this run began, for the speed.
    lines: usize,
    /// Share of the training that was done when this run began, for the expected end.
    first: Option<f64>,
}

impl Host for Terminal {
    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn tell(&mut self, event: Event<'_>) {
        match event {
            Event::Begun { lines, held_out, symbols, epochs, steps } => {
                println!(
                    "train: {lines} lines to train on; held out {} receipts of {} issuers; {symbols} symbols",
                    held_out.documents, held_out.issuers
                );
                if epochs + steps > 0 {
                    println!("train: goes on after epoch {epochs}, step {steps}");
                }
            }
            Event::Step { epoch, step, steps, lines, loss, done } => {
                self.lines += lines;
                let first = *self.first.get_or_insert(done);
                if self.told.elapsed() < TELL_EVERY {
                    return;
                }
                self.told = Instant::now();
                let elapsed = self.begun.elapsed().as_secs_f64();
                let speed = self.lines as f64 / elapsed;
                println!(
                    "train: epoch {epoch}, step {step}/{steps}, loss {loss:.3}, {speed:.0} lines/s, {}",
                    expected_end(elapsed, first, done)
                );
            }
            Event::Epoch { epoch, result } => {
                let seconds = self.begun.elapsed().as_secs();
                println!("train: epoch {epoch} done after {seconds} s, loss {:.4}; held out: {}", result.loss, figures(&result.held_out));
            }
        }
    }

    fn stops(&self) -> bool {
        self.stop.is_cancelled()
    }
}

fn expected_end(elapsed: f64, first: f64, done: f64) -> String {
    if done <= first {
        return "the end is not known yet".to_owned();
    }
    let left = elapsed * (1.0 - done) / (done - first);
    let end = SystemClock.now() + Duration::from_secs_f64(left);
    format!("{:.0} min left, ends about {} UTC", left / 60.0, end.format("%H:%M"))
}

fn figures(score: &Score) -> String {
    format!("{} lines, character error {:.4}, whole lines {:.3}", score.lines, score.character_error(), score.whole_lines())
}

/// Counts by pair of symbols, which is no text of the data.
fn print_confusions(confusions: &Confusions) {
    let name = |symbol: Option<char>| symbol.map_or("nothing".to_owned(), |symbol| format!("{symbol:?}"));
    println!("train: most frequent confusions on the held-out lines (label read as, count)");
    for (label, reading, count) in confusions.most_frequent().into_iter().take(CONFUSIONS) {
        println!("train: {} read as {}: {count}", name(label), name(reading));
    }
}
