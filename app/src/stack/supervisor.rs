//! Keeps one child running: a thread per part starts it, waits for it, starts it again after a growing
//! pause, and stops it when told to. What the part is and when it counts as ready is said by its [`Spec`].

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::{SecondsFormat, Utc};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};
use tokio::sync::watch;

use super::backoff::Backoff;
use super::probe::Probe;
use super::process::{Identity, Program, open_log};

/// A part that ends this often before it was ever ready will not get better by itself.
const HOPELESS: u32 = 5;
/// Exit status of a program that was configured wrongly (`EX_CONFIG` and `EX_USAGE` of sysexits).
const MISCONFIGURED: [i32; 2] = [78, 64];
/// Pause between two probes while a part comes up.
const PROBE_PAUSE: Duration = Duration::from_millis(50);
/// Between two looks at a part that is held down.
const HELD_LOOK: Duration = Duration::from_secs(1);
/// Lines of a part's log that are shown when it does not start.
const LOG_TAIL: usize = 12;

/// Told in a sentence when something happens that a person at the terminal may want to know.
pub type Notify = Arc<dyn Fn(&str) + Send + Sync>;

/// Also writes each sentence into a log, with its time: who looks into an outage later was not at the terminal.
pub fn noting(notify: Notify, log: &Path) -> Result<Notify> {
    let file = open_log(log).with_context(|| format!("open {}", log.display()))?;
    Ok(Arc::new(move |sentence| {
        let line = format!("{} {sentence}\n", Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true));
        // A full disk must not keep the parts from being started again.
        let _ = (&file).write_all(line.as_bytes());
        notify(sentence);
    }))
}

/// When a part is stopped: the later stages first, so that nothing loses what it still needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Database,
    Engine,
    Role,
}

/// What a part is.
#[derive(Clone, Debug)]
pub struct Spec {
    pub name: String,
    pub stage: Stage,
    pub program: Program,
    pub probe: Probe,
    /// How it is asked to end.
    pub stop: Signal,
    /// How long it may take to end before it is killed.
    pub grace: Duration,
    /// How long it may take to become ready.
    pub patience: Duration,
    pub log: PathBuf,
    pub pid_file: PathBuf,
}

/// What a part is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Its process, while it runs.
    pub pid: Option<i32>,
    /// How often it was started.
    pub starts: u32,
    /// How the last run ended, where one did.
    pub last_exit: Option<String>,
    /// It said that its configuration is wrong, so it is not started again.
    pub given_up: bool,
}

/// A part under supervision. Dropping it stops it.
pub struct Part {
    spec: Spec,
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    /// Woken when `stopping` or `held` changes.
    wake: Condvar,
    status: watch::Sender<Status>,
}

#[derive(Default)]
struct State {
    stopping: bool,
    /// Not to run until it is let up.
    held: bool,
    /// Set from the start of a child until just before it is reaped, so that a signal sent under the lock
    /// can never reach a stranger that was given the same id.
    pid: Option<Pid>,
}

impl Part {
    /// Starts it, and keeps it running until it is stopped.
    pub fn start(spec: Spec, notify: Notify) -> Result<Self> {
        let shared = Arc::new(Shared { state: Mutex::default(), wake: Condvar::new(), status: watch::Sender::default() });
        let (thread_spec, thread_shared) = (spec.clone(), Arc::clone(&shared));
        let thread = std::thread::Builder::new()
            .name(format!("part-{}", spec.name))
            .spawn(move || keep_running(&thread_spec, &thread_shared, &notify))
            .with_context(|| format!("start the thread that watches {}", spec.name))?;
        Ok(Self { spec, shared, thread: Some(thread) })
    }

    /// Its name: also the name of its log file.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// When it is stopped.
    pub fn stage(&self) -> Stage {
        self.spec.stage
    }

    /// What it is doing now.
    pub fn status(&self) -> Status {
        self.shared.status.borrow().clone()
    }

    /// Follows what it is doing.
    pub fn watch(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// Sends its process a signal, as `kill` would. Returns whether there was a process.
    pub fn signal(&self, signal: Signal) -> bool {
        let state = self.shared.lock();
        state.pid.is_some_and(|pid| rustix::process::kill_process(pid, signal).is_ok())
    }

    /// Kills it, and does not start it again before [`Self::let_up`]: an outage on purpose, for tests and drills.
    pub fn hold_down(&self) {
        self.shared.lock().held = true;
        self.signal(Signal::KILL);
    }

    /// Starts it again after [`Self::hold_down`].
    pub fn let_up(&self) {
        self.shared.lock().held = false;
        self.shared.wake.notify_all();
    }

    /// Waits until it answers its probe, or says why it will not.
    pub async fn ready(&self) -> Result<()> {
        let deadline = Instant::now() + self.spec.patience;
        let starts_before = self.status().starts;
        loop {
            let answer = self.spec.probe.ask().await;
            let status = self.status();
            match answer {
                // Somebody else's program on our port must not pass for ours.
                Ok(()) if status.pid.is_some() => return Ok(()),
                Ok(()) => {}
                Err(_) if status.given_up || status.starts >= starts_before + HOPELESS => {
                    bail!("{} does not start: {}\n{}", self.name(), status.last_exit.unwrap_or_default(), tail(&self.spec.log));
                }
                Err(error) if Instant::now() >= deadline => {
                    bail!("{} was not ready after {} s ({error:#})\n{}", self.name(), self.spec.patience.as_secs(), tail(&self.spec.log));
                }
                Err(_) => {}
            }
            tokio::time::sleep(PROBE_PAUSE).await;
        }
    }

    /// Asks it to end, kills it when it takes too long, and returns when it is gone.
    pub fn stop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        self.shared.lock().stopping = true;
        self.shared.wake.notify_all();
        self.signal(self.spec.stop);
        let deadline = Instant::now() + self.spec.grace;
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        // Not only past the deadline: helpers of a part that ended in order may still be around.
        self.shared.kill_group();
        // The thread cannot panic on our account, and if it did there is nothing left to stop.
        let _ = thread.join();
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill_group(&self) {
        if let Some(pid) = self.lock().pid {
            // Gone already is as good.
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
    }
}

fn keep_running(spec: &Spec, shared: &Shared, notify: &Notify) {
    let mut backoff = Backoff::default();
    while !shared.lock().stopping {
        let began = Instant::now();
        let (ended, given_up) = match run_once(spec, shared) {
            Ok(exit) => (exit.to_string(), exit.code().is_some_and(|code| MISCONFIGURED.contains(&code))),
            Err(error) => (format!("could not be run: {error}"), false),
        };
        shared.status.send_modify(|status| {
            status.pid = None;
            status.last_exit = Some(ended.clone());
            status.given_up = given_up;
        });
        let mut state = shared.lock();
        if state.stopping {
            return;
        }
        if given_up {
            notify(&format!("{} ended ({ended}): its configuration is wrong, see {}", spec.name, spec.log.display()));
            return;
        }
        let pause = backoff.after(began.elapsed());
        notify(&format!("{} ended ({ended}); starting it again in {:.1} s", spec.name, pause.as_secs_f64()));
        let deadline = Instant::now() + pause;
        while !state.stopping && (state.held || Instant::now() < deadline) {
            // Whoever changes `held` wakes us, so how long we sleep meanwhile does not matter.
            let left = if state.held { HELD_LOOK } else { deadline.saturating_duration_since(Instant::now()) };
            state = shared.wake.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// One run, from start to end. `Err` means that it did not even start.
fn run_once(spec: &Spec, shared: &Shared) -> std::io::Result<std::process::ExitStatus> {
    let mut child = {
        // Under the lock, so that a stop either comes before the start or sees the process.
        let mut state = shared.lock();
        let child = spec.program.spawn(&spec.log)?;
        state.pid = Pid::from_raw(child.id().cast_signed());
        child
    };
    let pid = child.id().cast_signed();
    shared.status.send_modify(|status| {
        status.pid = Some(pid);
        status.starts += 1;
    });
    if let Some(identity) = Identity::of(pid) {
        // Only a convenience for the next start; the part runs either way.
        let _ = identity.record(&spec.pid_file);
    }
    // What was asked for while there was no process to tell.
    let (stopping, held) = {
        let state = shared.lock();
        (state.stopping, state.held)
    };
    if (stopping || held)
        && let Some(pid) = Pid::from_raw(pid)
    {
        let _ = rustix::process::kill_process(pid, if stopping { spec.stop } else { Signal::KILL });
    }
    await_end(pid);
    shared.kill_group();
    shared.lock().pid = None;
    let exit = child.wait()?;
    let _ = std::fs::remove_file(&spec.pid_file);
    Ok(exit)
}

/// Waits for the child's end without reaping it: its id stays taken until nobody can signal it any more.
fn await_end(pid: i32) {
    let Some(pid) = Pid::from_raw(pid) else { return };
    while matches!(rustix::process::waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT), Err(rustix::io::Errno::INTR)) {
    }
}

/// The last lines of a log, for an error message.
fn tail(log: &Path) -> String {
    let text = String::from_utf8_lossy(&std::fs::read(log).unwrap_or_default()).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let last = &lines[lines.len().saturating_sub(LOG_TAIL)..];
    format!("the last lines of {}:\n  {}", log.display(), last.join("\n  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(folder: &Path, program: Program) -> Spec {
        Spec {
            name: "trivial".to_owned(),
            stage: Stage::Role,
            program,
            probe: Probe::Http("http://127.0.0.1:1/".to_owned()),
            stop: Signal::TERM,
            grace: Duration::from_secs(10),
            patience: Duration::from_secs(10),
            log: folder.join("trivial.log"),
            pid_file: folder.join("trivial"),
        }
    }

    fn forever() -> Program {
        Program::new("/usr/bin/tail").argument("-f").argument("/dev/null")
    }

    fn silent() -> Notify {
        Arc::new(|_| {})
    }

    #[tokio::test]
    async fn a_killed_part_is_started_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let part = Part::start(spec(folder.path(), forever()), silent()).expect("started");
        let mut status = part.watch();
        let first = status.wait_for(|status| status.pid.is_some()).await.expect("running").pid;

        assert!(part.signal(Signal::KILL));

        let second = status.wait_for(|status| status.starts == 2 && status.pid.is_some()).await.expect("again").clone();
        assert_ne!(second.pid, first);
        assert!(second.last_exit.is_some_and(|exit| exit.contains("signal: 9")));
    }

    #[tokio::test]
    async fn how_a_part_ended_is_found_in_the_log_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("supervisor.log");
        let part = Part::start(spec(folder.path(), forever()), noting(silent(), &log).expect("a log")).expect("started");
        let mut status = part.watch();
        status.wait_for(|status| status.pid.is_some()).await.expect("running");

        assert!(part.signal(Signal::KILL));

        status.wait_for(|status| status.starts == 2).await.expect("again");
        let noted = std::fs::read_to_string(&log).expect("the log");
        assert!(noted.contains("Z trivial ended (signal: 9 (SIGKILL)); starting it again in "), "{noted}");
    }

    #[tokio::test]
    async fn a_part_held_down_stays_down_until_it_is_let_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let part = Part::start(spec(folder.path(), forever()), silent()).expect("started");
        let mut status = part.watch();
        status.wait_for(|status| status.pid.is_some()).await.expect("running");

        part.hold_down();

        status.wait_for(|status| status.pid.is_none()).await.expect("killed");
        // Longer than the pause after a first crash.
        let again = tokio::time::timeout(Duration::from_millis(300), status.wait_for(|status| status.pid.is_some())).await.is_ok();
        assert!(!again, "it was started again");
        part.let_up();
        status.wait_for(|status| status.starts == 2 && status.pid.is_some()).await.expect("again");
    }

    #[tokio::test]
    async fn a_stopped_part_is_gone_with_its_helpers() {
        let folder = tempfile::tempdir().expect("a folder");
        // A shell that leaves a helper in its group behind, and ignores being asked to stop.
        let script = "trap '' TERM; tail -f /dev/null & echo $! > \"$0.partial\"; mv \"$0.partial\" \"$0\"; wait";
        let note = folder.path().join("helper");
        let program = Program::new("/bin/sh").argument("-c").argument(script).argument(&note);
        let mut spec = spec(folder.path(), program);
        spec.grace = Duration::ZERO;
        let mut part = Part::start(spec, silent()).expect("started");
        let mut status = part.watch();
        let pid = status.wait_for(|status| status.pid.is_some()).await.expect("running").pid.expect("a pid");
        let helper = loop {
            if let Ok(text) = std::fs::read_to_string(&note) {
                break text.trim().parse::<i32>().expect("a pid");
            }
            tokio::task::yield_now().await;
        };

        part.stop();

        assert_eq!(Identity::of(pid), None);
        while Identity::of(helper).is_some() {
            tokio::task::yield_now().await;
        }
        assert!(!folder.path().join("trivial").exists());
    }

    #[tokio::test]
    async fn a_misconfigured_part_is_not_tried_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = Program::new("/bin/sh").argument("-c").argument("echo ASSAY_SOMETHING is missing; exit 64");
        let part = Part::start(spec(folder.path(), program), silent()).expect("started");
        let error = part.ready().await.expect_err("it never becomes ready").to_string();
        assert!(error.contains("ASSAY_SOMETHING is missing"), "{error}");
        assert_eq!(part.status().starts, 1);
    }
}
