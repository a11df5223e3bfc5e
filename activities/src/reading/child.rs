//! The decoding child: this program again, under limits it gives itself before it reads the first byte of a file.

use std::any::Any;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;

use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::reading::decode::{self, Failure, Session, Source};
use crate::reading::straighten::Sampler;
use crate::reading::wire::{Answer, ChildLimits, Page, Refusal, Request, receive, send};
use crate::reading::{picture, reason};

/// The hidden subcommand.
pub(crate) const SUBCOMMAND: &str = "decode-child";
/// Standard streams and the few files that Tesseract opens.
const FILES: u64 = 32;
/// As the main thread has: forms of a PDF nest.
const STACK: usize = 8 << 20;

/// Becomes the decoding child and never returns, if this process was started as one. Call it first in `main`.
pub fn run_if_child() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == SUBCOMMAND) {
        let code = match run() {
            Ok(()) => 0,
            Err(_) => 1,
        };
        std::process::exit(code);
    }
}

fn run() -> io::Result<()> {
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    // Panics are answers here, and their messages may quote the file.
    std::panic::set_hook(Box::new(|_| {}));
    let request: Request = receive(&mut input)?;
    let network_cut = confine(&request.limits)?;
    send(&mut output, &Answer::Confined { network_cut }, &[])?;
    let mut bytes = Vec::with_capacity(usize::try_from(request.file_bytes).unwrap_or_default());
    input.take(request.file_bytes).read_to_end(&mut bytes)?;
    answer(&request, bytes, &mut output)?;
    send(&mut output, &Answer::Done { cpu_seconds: cpu_seconds(), peak_bytes: peak_bytes() }, &[])
}

fn answer(request: &Request, bytes: Vec<u8>, output: &mut impl Write) -> io::Result<()> {
    let source = match guarded(|| Source::open(request.media_type, bytes, &request.limits)) {
        Ok(source) => source,
        Err(failure) => {
            let refusal = match failure {
                Failure::Encrypted => Refusal::Encrypted,
                Failure::Unreadable(reason) => Refusal::Unreadable(reason.to_owned()),
            };
            return send(output, &Answer::Refused { refusal }, &[]);
        }
    };
    let pages_total = source.pages();
    send(output, &Answer::Opened { pages_total }, &[])?;
    let last = request.last_page.min(pages_total);
    draw(&source, request.first_page..=last, request.threads, |page, drawn| match drawn {
        Ok((page, png)) => send(output, &Answer::Page(page), &png),
        Err(failure) => send(output, &Answer::PageFailed { page, reason: failure.reason().to_owned() }, &[]),
    })
}

/// A page and its PNG.
type Picture = Result<(Page, Vec<u8>), Failure>;

/// Draws pages on several threads and tells of them in their order.
fn draw(source: &Source, pages: RangeInclusive<u32>, threads: u32, mut tell: impl FnMut(u32, Picture) -> io::Result<()>) -> io::Result<()> {
    let next = AtomicU32::new(*pages.start());
    let work = |drawn: mpsc::Sender<(u32, Picture)>| {
        let (mut session, mut sampler) = (source.session(), Sampler::default());
        loop {
            let page = next.fetch_add(1, Ordering::Relaxed);
            if !pages.contains(&page) || drawn.send((page, picture_of(&mut session, page, &mut sampler))).is_err() {
                return;
            }
        }
    };
    thread::scope(|scope| {
        let (drawn, arrivals) = mpsc::channel();
        for _ in 0..threads.clamp(1, pages.clone().count().max(1) as u32) {
            let (work, drawn) = (&work, drawn.clone());
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, move || work(drawn))?;
        }
        drop(drawn);
        let mut early = BTreeMap::new();
        for page in pages.clone() {
            while !early.contains_key(&page) {
                let (arrived, picture) = arrivals.recv().map_err(io::Error::other)?;
                early.insert(arrived, picture);
            }
            if let Some(picture) = early.remove(&page) {
                tell(page, picture)?;
            }
        }
        Ok(())
    })
}

fn picture_of(session: &mut Session<'_>, page: u32, sampler: &mut Sampler) -> Picture {
    guarded(|| {
        let drawn = session.draw(page)?;
        let upright = decode::upright(drawn, page, sampler);
        let png = picture::encode(&upright.picture).map_err(|_| Failure::Unreadable(reason::TOO_LARGE))?;
        Ok((upright.page, png))
    })
}

/// A decoder that panics met something it did not expect: the file is broken.
fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic: Box<dyn Any + Send>| {
        drop(panic);
        Err(Failure::Unreadable(reason::CORRUPT))
    })
}

/// Gives up memory, time, files, privileges and the network. Whether the network could be given up depends on the kernel.
fn confine(limits: &ChildLimits) -> io::Result<bool> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    rustix::thread::set_no_new_privs(true)?;
    let network_cut = leave_network();
    limit(Resource::As, limits.address_space)?;
    limit(Resource::Cpu, limits.cpu_seconds)?;
    limit(Resource::Nofile, FILES)?;
    limit(Resource::Fsize, 0)?;
    limit(Resource::Core, 0)?;
    Ok(network_cut)
}

fn limit(resource: Resource, most: u64) -> io::Result<()> {
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

#[expect(
    unsafe_code,
    reason = "the call is unsafe for what it may do to threads that share file descriptors; neither is touched here, and there is one thread yet"
)]
fn leave_network() -> bool {
    use rustix::thread::{UnshareFlags, unshare_unsafe};
    // SAFETY: only new user and network namespaces are asked for; file descriptors and memory stay as they are.
    unsafe { unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNET) }.is_ok()
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The high-water mark of resident memory, 0 where the kernel does not tell.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}
