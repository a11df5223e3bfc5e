//! Starting one child so that it cannot outlive us, and clearing away children of a run that was killed.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tracing::warn;

/// A log file larger than this is set aside (one generation is kept) when its part starts.
const LOG_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
/// How long a leftover of an earlier run may take to end before it is killed.
const LEFTOVER_GRACE: Duration = Duration::from_secs(20);
/// Variables that a foreign program gets from us; everything else stays out of it.
const PASSED_ON: [&str; 7] = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER"];

/// Whom a child runs as, where that is not ourselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// What to run, and how it learns that we are gone.
#[derive(Clone, Debug)]
pub struct Program {
    pub path: PathBuf,
    pub arguments: Vec<OsString>,
    pub environment: Vec<(String, String)>,
    /// Our own roles see our whole environment; foreign programs see [`PASSED_ON`] only.
    pub inherits_environment: bool,
    pub user: Option<User>,
    /// What the kernel sends the child when we die, however we die.
    pub orphaned: Signal,
}

impl Program {
    /// A foreign program with a clean environment that is killed with us.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            inherits_environment: false,
            user: None,
            orphaned: Signal::KILL,
        }
    }

    pub fn argument(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub fn variable(mut self, name: &str, value: impl ToString) -> Self {
        self.environment.push((name.to_owned(), value.to_string()));
        self
    }

    /// The command as it will be run: `setpriv` asks the kernel to signal the child when we die, gives up
    /// root where the program must not have it, and then becomes the program, so the process id is its own.
    /// Set here instead, before the change of user, the kernel would forget the request.
    pub fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.arg("--pdeathsig").arg(signal_name(self.orphaned));
        if let Some(user) = &self.user {
            command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid)).arg("--clear-groups");
        }
        command.arg("--").arg(&self.path).args(&self.arguments);
        if !self.inherits_environment {
            command.env_clear();
            for name in PASSED_ON {
                if let Some(value) = std::env::var_os(name) {
                    command.env(name, value);
                }
            }
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(user) = &self.user {
            // The folder we stand in may be closed to that user, and its home is none of our business.
            command.current_dir("/").env("HOME", "/nonexistent").env("USER", &user.name);
        }
        command.stdin(Stdio::null());
        command
    }

    /// Starts it in a process group of its own, so that Ctrl-C in our terminal reaches us only and we can
    /// stop the parts in order. Must be called on a thread that lives as long as the child should: the
    /// kernel's signal follows the death of the thread, not of the process.
    pub fn spawn(&self, log: &Path) -> io::Result<Child> {
        let output = open_log(log)?;
        self.command().stdout(output.try_clone()?).stderr(output).process_group(0).spawn()
    }
}

fn signal_name(signal: Signal) -> &'static str {
    if signal == Signal::INT {
        "INT"
    } else if signal == Signal::TERM {
        "TERM"
    } else {
        "KILL"
    }
}

/// Opens a log to write at its end. One that has become too large is set aside first.
pub fn open_log(path: &Path) -> io::Result<File> {
    if std::fs::metadata(path).is_ok_and(|log| log.len() > LOG_LIMIT_BYTES) {
        std::fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// The user of this name in the machine's own list.
pub fn find_user(name: &str) -> Option<User> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next()? == name;
        let (_, uid, gid) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        found.then(|| User { name: name.to_owned(), uid, gid })
    })
}

/// A process as the kernel knows it: the id alone may by now belong to somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub pid: i32,
    /// Start time in clock ticks since boot, field 22 of `/proc/<pid>/stat`.
    started: u64,
}

impl Identity {
    /// The process that has this id now, unless it has ended.
    pub fn of(pid: i32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The second field is the program's name in brackets and may contain anything, so count from its end.
        let mut fields = stat.rsplit_once(") ")?.1.split(' ');
        let dead = matches!(fields.next()?, "Z" | "X");
        let started = fields.nth(18)?.parse().ok()?;
        (!dead).then_some(Self { pid, started })
    }

    pub fn is_alive(self) -> bool {
        Self::of(self.pid) == Some(self)
    }

    /// Remembers it in a file.
    pub fn record(self, path: &Path) -> io::Result<()> {
        std::fs::write(path, format!("{} {}\n", self.pid, self.started))
    }

    fn read(path: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(path).ok()?;
        let (pid, started) = text.trim().split_once(' ')?;
        Some(Self { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }

    fn signal_group(self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_alive()) {
            // It may end between the look and the signal, which is what we wanted.
            let _ = rustix::process::kill_process_group(pid, signal);
        }
    }
}

/// Ends what an earlier run of this folder left running. The caller holds the folder's lock, so nothing
/// that is found here belongs to a living stack. PostgreSQL is asked to shut down, the rest is killed.
pub fn clear_leftovers(pids: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(pids)? {
        let path = entry?.path();
        if let Some(leftover) = Identity::read(&path).filter(|leftover| leftover.is_alive()) {
            let part = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            warn!(part, pid = leftover.pid, "Ending {part}, which an earlier run left behind");
            leftover.signal_group(if part == "postgres" { Signal::INT } else { Signal::KILL });
            let deadline = Instant::now() + LEFTOVER_GRACE;
            while leftover.is_alive() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(50));
            }
            leftover.signal_group(Signal::KILL);
        }
        std::fs::remove_file(&path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start_not_only_its_number() {
        let own = Identity::of(std::process::id() as i32).expect("we are alive");
        assert!(own.is_alive());
        let impostor = Identity { started: own.started + 1, ..own };
        assert!(!impostor.is_alive());
    }

    #[test]
    fn leftovers_of_a_killed_run_are_ended_and_forgotten() {
        let scratch = tempfile::tempdir().expect("a folder");
        let mut child = Program::new("/bin/cat").command();
        let mut child = child.stdin(Stdio::piped()).process_group(0).spawn().expect("spawned");
        let leftover = Identity::of(child.id() as i32).expect("alive");
        leftover.record(&scratch.path().join("gateway")).expect("recorded");
        // Reaped on another thread, as init would do for a real orphan.
        let reaper = std::thread::spawn(move || child.wait().expect("waited"));

        clear_leftovers(scratch.path()).expect("cleared");

        assert!(!leftover.is_alive());
        assert!(!reaper.join().expect("joined").success());
        assert_eq!(std::fs::read_dir(scratch.path()).expect("listed").count(), 0);
    }
}
