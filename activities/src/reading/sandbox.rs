//! The parent's side of the decoding child: starts it, hands it the file, believes none of its answers unseen, and ends it when time is up.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use domain::blocker::Blocker;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, timeout, timeout_at};

use crate::reading::child::SUBCOMMAND;
use crate::reading::wire::{self, Answer, ChildLimits, Page, Refusal, Request};
use crate::reading::{PrepareError, PrepareFile, PreparedPage, PreparedRange, picture, reason};

/// What one file may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Pixels that a picture may declare.
    pub pixels: u64,
    /// Pages that a file may have.
    pub pages: u32,
    /// Address space of the child in bytes; bounds what a bomb can hold.
    pub address_space: u64,
    /// CPU seconds of one child.
    pub cpu_seconds: u64,
    /// Wall time to start a child and open the file, and then again for each page.
    pub step: Duration,
    /// Wall time of a whole window, over all children that it takes.
    pub window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: 64 << 20,
            pixels: 80_000_000,
            pages: 1_000,
            address_space: 700 << 20,
            cpu_seconds: 60,
            step: Duration::from_secs(20),
            window: Duration::from_secs(90),
        }
    }
}

/// More would not fit into one child's memory when pages are large.
const MOST_THREADS: u32 = 4;

/// A child whose pipe closed is gone within this time, or is ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Prepares files in child processes.
#[derive(Debug, Clone)]
pub struct Sandbox {
    /// A program whose `main` calls `run_if_child` first.
    pub executable: PathBuf,
    pub limits: Limits,
    /// Pages that a child draws at a time where nothing else of the file can be done meanwhile.
    pub threads: u32,
}

impl Sandbox {
    /// Children are this program again, with the usual limits.
    pub fn of_this_program() -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        Ok(Self { executable: std::env::current_exe()?, limits: Limits::default(), threads: cores.min(MOST_THREADS) })
    }

    /// Decodes and straightens the pages of a window. A page that ends its child is given up, the others are done by another child.
    pub async fn prepare(&self, request: PrepareFile) -> Result<PreparedRange, PrepareError> {
        if request.bytes.is_empty() {
            return Err(PrepareError::Unreadable { reason: reason::EMPTY });
        }
        if request.bytes.len() as u64 > self.limits.file_bytes {
            return Err(PrepareError::Unreadable { reason: reason::TOO_LARGE });
        }
        // The first window of a file is waited for by all others, which are then worked on side by side.
        let threads = if request.first_page <= 1 { self.threads } else { 1 };
        let mut window = Window::new(&request, threads, Instant::now() + self.limits.window);
        loop {
            match self.run_child(&request, &mut window).await? {
                Ending::Done => return window.finish(),
                Ending::Died(reason) => {
                    if window.tries_again(reason) {
                        continue;
                    }
                    // Without a page to blame it is the file's opening that ends children.
                    let Some(pages_total) = window.pages_total else { return Err(PrepareError::Unreadable { reason }) };
                    window.give_up_page(reason);
                    if window.next > request.last_page.min(pages_total) {
                        return window.finish();
                    }
                }
            }
        }
    }

    async fn run_child(&self, request: &PrepareFile, window: &mut Window) -> Result<Ending, PrepareError> {
        if Instant::now() >= window.deadline {
            return Ok(Ending::Died(reason::TIMED_OUT));
        }
        let mut running = self.start()?;
        let limits = &self.limits;
        let ask = Request {
            media_type: request.media_type,
            first_page: window.next,
            last_page: request.last_page,
            threads: window.threads,
            file_bytes: request.bytes.len() as u64,
            limits: ChildLimits {
                address_space: limits.address_space,
                cpu_seconds: limits.cpu_seconds,
                pixels: limits.pixels,
                pages: limits.pages,
            },
        };
        let (mut input, mut output) = running.pipes()?;
        let asking = async move {
            let mut head = Vec::new();
            let asked = wire::send(&mut head, &ask, &[]);
            // A child that refuses early has closed the pipe; its answer says why.
            if asked.is_ok() && input.write_all(&head).await.is_ok() {
                let _ = input.write_all(&request.bytes).await;
            }
            drop(input);
            std::future::pending::<Heard>().await
        };
        // Writing never ends the wait: a child that reads nothing is late with its answer.
        let heard = tokio::select! {
            heard = self.listen(&mut output, window) => heard,
            heard = asking => heard,
        };
        let ending = match heard {
            Heard::Ended(ending) => ending,
            Heard::Refused(error) => {
                running.end().await;
                return Err(error);
            }
            Heard::Late => {
                running.end().await;
                Ending::Died(reason::TIMED_OUT)
            }
            Heard::Lost => {
                // A child that writes what is no answer may live on, and wait for somebody to read it.
                drop(output);
                running.cause_of_death().await?
            }
        };
        running.end().await;
        Ok(ending)
    }

    fn start(&self) -> Result<Running, PrepareError> {
        let mut command = Command::new(&self.executable);
        command.arg(SUBCOMMAND).env_clear().env("OMP_THREAD_LIMIT", "1").env("RAYON_NUM_THREADS", "1");
        // Pictures in large pages of memory: a fifth of a child's time went into faults of small ones. Only glibc reads it.
        command.env("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1");
        if let Some(models) = std::env::var_os("TESSDATA_PREFIX") {
            command.env("TESSDATA_PREFIX", models);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).current_dir("/").process_group(0).kill_on_drop(true);
        let child = command.spawn().map_err(|source| PrepareError::Engine { act: "start", source })?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        Ok(Running { child, group })
    }

    async fn listen(&self, output: &mut ChildStdout, window: &mut Window) -> Heard {
        loop {
            let deadline = (Instant::now() + self.limits.step).min(window.deadline);
            let (answer, blob) = match timeout_at(deadline, wire::receive_answer(output)).await {
                Err(_) => return Heard::Late,
                Ok(Err(_)) => return Heard::Lost,
                Ok(Ok(frame)) => frame,
            };
            match answer {
                Answer::Confined { network_cut } => window.range.network_cut = network_cut,
                Answer::Opened { pages_total } if (1..=self.limits.pages).contains(&pages_total) => window.pages_total = Some(pages_total),
                Answer::Refused { refusal } => return Heard::Refused(refused(&refusal)),
                Answer::Page(page) if window.expects(page.page) && fits(&page, &blob) => window.take(page, blob),
                Answer::PageFailed { page, reason } if window.expects(page) => window.give_up_page(reason::known(&reason)),
                Answer::Done { cpu_seconds, peak_bytes } => {
                    window.range.cpu_seconds += cpu_seconds.clamp(0.0, self.limits.cpu_seconds as f64);
                    window.range.peak_bytes = window.range.peak_bytes.max(peak_bytes);
                    return Heard::Ended(Ending::Done);
                }
                // A child that answers what it was not asked has been taken over by its file.
                Answer::Opened { .. } | Answer::Page(_) | Answer::PageFailed { .. } => return Heard::Ended(Ending::Died(reason::CORRUPT)),
            }
        }
    }
}

fn refused(refusal: &Refusal) -> PrepareError {
    match refusal {
        Refusal::Encrypted => PrepareError::Encrypted,
        Refusal::Unreadable(word) => PrepareError::Unreadable { reason: reason::known(word) },
    }
}

/// The PNG is one of ours and as large as the child says.
fn fits(page: &Page, blob: &[u8]) -> bool {
    picture::dimensions(blob).is_ok_and(|size| size == (page.width, page.height))
}

enum Heard {
    Ended(Ending),
    Refused(PrepareError),
    Late,
    Lost,
}

enum Ending {
    Done,
    Died(&'static str),
}

struct Running {
    child: Child,
    /// The child's process group, which outlives it when it left somebody behind.
    group: Option<Pid>,
}

impl Running {
    fn pipes(&mut self) -> Result<(ChildStdin, ChildStdout), PrepareError> {
        let lost = || PrepareError::Engine { act: "be reached", source: io::Error::other("a pipe is missing") };
        Ok((self.child.stdin.take().ok_or_else(lost)?, self.child.stdout.take().ok_or_else(lost)?))
    }

    /// Why the pipe closed: the limits on memory and CPU end the child by signals of their own.
    async fn cause_of_death(&mut self) -> Result<Ending, PrepareError> {
        let Ok(ended) = timeout(LAST_WORDS, self.child.wait()).await else { return Ok(Ending::Died(reason::CORRUPT)) };
        let status = ended.map_err(|source| PrepareError::Engine { act: "be waited for", source })?;
        use std::os::unix::process::ExitStatusExt;
        let reason = match status.signal().and_then(Signal::from_named_raw) {
            Some(Signal::XCPU | Signal::KILL) => reason::TIMED_OUT,
            Some(Signal::ABORT) => reason::TOO_LARGE,
            Some(_) | None => reason::CORRUPT,
        };
        Ok(Ending::Died(reason))
    }

    async fn end(&mut self) {
        if let Some(group) = self.group {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait().await;
    }
}

/// The window while it is being prepared.
struct Window {
    range: PreparedRange,
    pages_total: Option<u32>,
    /// The page that comes next.
    next: u32,
    last: u32,
    /// Pages drawn at a time.
    threads: u32,
    /// The page, or 0 for the file's opening, that already had its second try.
    second_try: Option<u32>,
    deadline: Instant,
    /// Why pages were given up, the last one.
    reason: &'static str,
}

impl Window {
    fn new(request: &PrepareFile, threads: u32, deadline: Instant) -> Self {
        let range = PreparedRange {
            pages_total: 0,
            pages: Vec::new(),
            warnings: Vec::new(),
            cpu_seconds: 0.0,
            peak_bytes: 0,
            network_cut: false,
            timed_out: false,
        };
        Self {
            range,
            pages_total: None,
            next: request.first_page.max(1),
            last: request.last_page,
            threads,
            second_try: None,
            deadline,
            reason: reason::CORRUPT,
        }
    }

    /// Whether a death says too little. Of several pages drawn at once nobody knows which it was; and a clock that ran out, or a kill from
    /// outside, may be a busy machine's doing, which must not become the file's fault for good.
    fn tries_again(&mut self, reason: &'static str) -> bool {
        let at = if self.pages_total.is_some() { self.next } else { 0 };
        let several = self.pages_total.is_some() && self.threads > 1;
        let by_the_clock = reason == reason::TIMED_OUT && self.second_try != Some(at);
        if several || by_the_clock {
            self.threads = 1;
            self.second_try = Some(at);
        }
        several || by_the_clock
    }

    fn expects(&self, page: u32) -> bool {
        page == self.next && page <= self.last.min(self.pages_total.unwrap_or(0))
    }

    fn take(&mut self, page: Page, image: Vec<u8>) {
        let blocker = page.incomplete.then_some(Blocker::UnreadablePage { page: page.page });
        if page.incomplete {
            self.range.warnings.push(format!("a picture on page {} could not be decoded", page.page));
        }
        self.range.pages.push(PreparedPage {
            page: page.page,
            image: Some(image),
            width: page.width,
            height: page.height,
            turned_degrees: page.turned_degrees,
            skew_degrees: page.skew_degrees,
            text_layer: page.text_layer,
            text_layer_state: page.text_layer_state,
            blank: page.blank,
            blocker,
        });
        self.next += 1;
    }

    fn give_up_page(&mut self, reason: &'static str) {
        let page = self.next;
        self.reason = reason;
        self.range.timed_out |= reason == reason::TIMED_OUT;
        self.range.warnings.push(format!("page {page} could not be drawn: {reason}"));
        self.range.pages.push(PreparedPage {
            page,
            image: None,
            width: 0,
            height: 0,
            turned_degrees: 0,
            skew_degrees: 0.0,
            text_layer: None,
            text_layer_state: crate::reading::TextLayerState::None,
            blank: false,
            blocker: Some(Blocker::UnreadablePage { page }),
        });
        self.next += 1;
    }

    /// A file of one page that cannot be drawn is a file that cannot be read.
    fn finish(mut self) -> Result<PreparedRange, PrepareError> {
        let Some(pages_total) = self.pages_total else { return Err(PrepareError::Unreadable { reason: self.reason }) };
        let nothing_drawn = self.range.pages.iter().all(|page| page.image.is_none());
        if pages_total == 1 && nothing_drawn && !self.range.pages.is_empty() {
            return Err(PrepareError::Unreadable { reason: self.reason });
        }
        self.range.pages_total = pages_total;
        Ok(self.range)
    }
}
