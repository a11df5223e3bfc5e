//! The machine under the figures: what it is, and how much of it others used meanwhile.

use std::fs;
use std::time::Instant;

/// Ticks per second of `/proc` on every Linux that runs Assay (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

/// Processor, cores, memory and kernel.
pub fn describe() -> String {
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown processor", |rest| rest.trim_start_matches([' ', '\t', ':']));
    let memory = read("/proc/meminfo");
    let kilobytes = memory.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    let (gigabytes, kernel) = (kilobytes.unwrap_or(0) / 1_000_000, read("/proc/sys/kernel/osrelease"));
    format!("{model}, {} cores, {gigabytes} GB, Linux {}", cores(), kernel.trim())
}

/// The time of the processors since a moment, ours and others'.
#[derive(Debug)]
pub struct Watch {
    began: Instant,
    all: u64,
    own: u64,
}

impl Watch {
    pub fn start() -> Self {
        Self { began: Instant::now(), all: busy(&read("/proc/stat")), own: own(&read("/proc/self/stat")) }
    }

    /// The share of the processors that neither this process used nor any child that has ended. To be asked once the stack is stopped.
    pub fn others(&self) -> f64 {
        let all = busy(&read("/proc/stat")).saturating_sub(self.all);
        let own = own(&read("/proc/self/stat")).saturating_sub(self.own);
        all.saturating_sub(own) as f64 / TICKS / self.began.elapsed().as_secs_f64() / cores() as f64
    }
}

/// Ticks in which some processor was not idle, the host's share included.
fn busy(stat: &str) -> u64 {
    let ticks: Vec<u64> = stat.lines().next().unwrap_or_default().split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already.
    let [user, nice, system, _idle, _waiting, irq, softirq, steal, ..] = *ticks else { return 0 };
    user + nice + system + irq + softirq + steal
}

/// Ticks of this process and of its children that were waited for.
fn own(stat: &str) -> u64 {
    // The name in parentheses may hold spaces; utime, stime, cutime and cstime are the 12th to 15th word behind it.
    stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(4).filter_map(|word| word.parse::<u64>().ok()).sum()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_and_waiting_processors_are_not_busy() {
        assert_eq!(busy("cpu  10 1 5 1000 300 2 3 4 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"), 25);
        assert_eq!(busy(""), 0);
    }

    #[test]
    fn a_process_counts_with_its_children_whatever_its_name() {
        assert_eq!(own("7 (a b) c) S 1 7 7 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0"), 100);
    }
}
