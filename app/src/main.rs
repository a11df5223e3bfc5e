//! The `assay` binary: one program, a subcommand per role and per tool of an operator.

use std::process::ExitCode;

use app::commands::{
    audit, bench, calibrate, demo, doctor, down, eval, gateway, keys, listen, migrate, review_ui, train, up, users, verify, worker,
};
use app::config::{ConfigProblems, EXIT_CONFIG};
use clap::{Parser, Subcommand};

/// `EX_SOFTWARE` of BSD's sysexits: something failed that is neither usage nor configuration.
const EXIT_FAILED: u8 = 70;

/// Durable verification of claims against evidence, with people in the loop.
#[derive(Parser)]
#[command(name = "assay", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the public HTTP API
    Gateway,
    /// Serve the review desk
    ReviewUi,
    /// Do the work of task queues
    Worker(worker::Arguments),
    /// Make tables, namespace, search attributes and bucket; safe to repeat
    Migrate,
    /// Run everything on this machine in the foreground
    Up(up::Arguments),
    /// Stop what `up` runs
    Down(down::Arguments),
    /// Verify the bundled samples on a stack of its own
    Demo(demo::Arguments),
    /// Verify one claim through a gateway
    Verify(verify::Arguments),
    /// Print what happens, and forward it to a webhook receiver on this machine
    Listen(listen::Arguments),
    /// Show what is configured and what answers
    Doctor,
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Make, list and disable people who sign in to the desk
    #[command(subcommand)]
    Users(users::Command),
    /// Prove and export the audit chain
    #[command(subcommand)]
    Audit(audit::Command),
    /// Measure how often fields are read right on labelled documents
    Eval(eval::Arguments),
    /// Fit the confidence of verdicts to labelled documents
    Calibrate(calibrate::Arguments),
    /// Measure Assay on a stack of its own, against its bars
    Bench(bench::Arguments),
    /// Train one of our own models on labelled data
    #[command(subcommand)]
    Train(train::Command),
}

fn main() -> ExitCode {
    // The child that decodes hostile files is this program again; it must do nothing else first.
    activities::reading::run_if_child();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(EXIT_CONFIG) } else { ExitCode::SUCCESS };
        }
    };
    if let Some(code) = limit_threads(&arguments.command) {
        return code;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("assay: start the runtime: {error}");
            return ExitCode::from(EXIT_FAILED);
        }
    };
    match runtime.block_on(run(arguments.command)) {
        Ok(code) => code,
        Err(error) => match error.downcast_ref::<ConfigProblems>() {
            Some(problems) => {
                eprintln!("assay: {problems}");
                ExitCode::from(EXIT_CONFIG)
            }
            None => {
                eprintln!("assay: {error:#}");
                ExitCode::from(EXIT_FAILED)
            }
        },
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Gateway => gateway::run().await,
        Command::ReviewUi => review_ui::run().await,
        Command::Worker(arguments) => worker::run(arguments).await,
        Command::Migrate => migrate::run().await,
        Command::Up(arguments) => up::run(arguments).await,
        Command::Down(arguments) => down::run(arguments).await,
        Command::Demo(arguments) => demo::run(arguments).await,
        Command::Verify(arguments) => verify::run(arguments).await,
        Command::Listen(arguments) => listen::run(arguments).await,
        Command::Doctor => doctor::run().await,
        Command::Keys(command) => keys::run(command).await,
        Command::Users(command) => users::run(command).await,
        Command::Audit(command) => audit::run(command).await,
        Command::Eval(arguments) => eval::run(arguments).await,
        Command::Calibrate(arguments) => calibrate::run(arguments).await,
        Command::Bench(arguments) => bench::run(arguments).await,
        Command::Train(command) => train::run(command).await,
    }
}

/// Starts what computes much again with one thread per engine: Tesseract's OpenMP and candle's products would each take every core for every page or line.
/// OpenMP reads its variable when its library is loaded, before `main`, so setting it here would be too late.
fn limit_threads(command: &Command) -> Option<ExitCode> {
    use std::os::unix::process::CommandExt;

    const LIMITS: [&str; 3] = ["OMP_THREAD_LIMIT", "RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"];
    let computes = matches!(command, Command::Worker(_) | Command::Eval(_) | Command::Calibrate(_) | Command::Bench(_) | Command::Train(_));
    let missing: Vec<&str> = LIMITS.into_iter().filter(|limit| std::env::var_os(limit).is_none()).collect();
    if !computes || missing.is_empty() {
        return None;
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => {
            eprintln!("assay: find my own program: {error}");
            return Some(ExitCode::from(EXIT_FAILED));
        }
    };
    let limits = missing.iter().map(|limit| (limit, "1"));
    let error = std::process::Command::new(program).args(std::env::args_os().skip(1)).envs(limits).exec();
    eprintln!("assay: start again with {}=1: {error}", missing.join("=1, "));
    Some(ExitCode::from(EXIT_FAILED))
}
