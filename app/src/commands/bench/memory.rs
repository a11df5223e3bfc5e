//! Memory of the idle stack, part by part: the proportional set size of each part's processes, so that shared pages count once.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::Result;

use super::report::{Report, Row};
use crate::stack::Stack;

/// After the start, until caches and connections have settled.
const SETTLE: Duration = Duration::from_secs(10);

/// Measures a stack that nobody has used yet.
pub async fn measure(stack: &Stack, report: &mut Report) -> Result<()> {
    tokio::time::sleep(SETTLE).await;
    let parents = parents();
    let mut all = 0.0;
    for part in stack.parts() {
        let Some(pid) = part.status().pid else { continue };
        let megabytes = family(&parents, pid).into_iter().map(proportional_kilobytes).sum::<u64>() as f64 / 1_000.0;
        all += megabytes;
        report.add(Row::known(format!("memory: {}, idle", part.name()), megabytes, "MB"));
    }
    report.add(Row::known("memory: the whole stack, idle", all, "MB"));
    Ok(())
}

/// The parent of every process.
fn parents() -> BTreeMap<i32, i32> {
    let pids = fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in parentheses may hold spaces; the parent is the second word behind it.
        let parent = stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()?;
        Some((pid, parent))
    })
    .collect()
}

/// A process with all that it started.
fn family(parents: &BTreeMap<i32, i32>, head: i32) -> Vec<i32> {
    let mut found = vec![head];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, of)| **of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

fn proportional_kilobytes(pid: i32) -> u64 {
    // A worker shows its maps to root only; what all may see is its resident set, shared pages and all.
    kilobytes(pid, "smaps_rollup", "Pss:").or_else(|| kilobytes(pid, "status", "VmRSS:")).unwrap_or(0)
}

fn kilobytes(pid: i32, file: &str, name: &str) -> Option<u64> {
    let lines = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
    lines.lines().find_map(|line| line.strip_prefix(name))?.trim().strip_suffix("kB")?.trim().parse().ok()
}
