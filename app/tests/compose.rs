//! Holds docker-compose.temporal.yml against the variables that the binary reads.

use std::collections::BTreeSet;

const COMPOSE: &str = include_str!("../../docker-compose.temporal.yml");

/// The variables set for Assay's own containers. Database passwords are handed to the postgres image under names
/// of their own, so its block and the engine's are left out.
fn set_for_assay() -> BTreeSet<&'static str> {
    let mut block = "";
    let mut names = BTreeSet::new();
    for line in COMPOSE.lines() {
        let indent = line.len() - line.trim_start().len();
        let key = line.trim().split(':').next().unwrap_or_default();
        if indent == 0 || indent == 2 && !block.starts_with("x-") {
            block = key;
        }
        let ours = matches!(block, "x-assay" | "migrate" | "gateway" | "review-ui") || block.starts_with("worker-");
        if ours && key.starts_with("ASSAY_") {
            names.insert(key);
        }
    }
    names
}

#[test]
fn every_variable_in_the_compose_file_is_one_that_the_binary_reads() {
    let read: BTreeSet<&str> = app::config::variables().iter().map(|variable| variable.name).collect();
    let unread: Vec<_> = set_for_assay().difference(&read).copied().collect();
    assert!(unread.is_empty(), "set but never read: {unread:?}");
}

#[test]
fn every_variable_without_a_default_is_in_the_compose_file() {
    let set = set_for_assay();
    let missing: Vec<_> = app::config::variables()
        .iter()
        .filter(|variable| variable.default.is_none() && !set.contains(variable.name))
        .map(|variable| variable.name)
        .collect();
    assert!(missing.is_empty(), "needed but not set: {missing:?}");
}
