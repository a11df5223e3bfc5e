//! Holds the shape of the repository: which crate may use which, that pages name things that exist, that alerts have runbooks, and what a file
//! looks like. Reads files only: it builds nothing and starts nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

/// Crate, the crates of ours it may use, and crates from outside that it must not name.
const ARROWS: [(&str, &[&str], &[&str]); 9] = [
    ("domain", &[], &[]),
    ("workflows", &["domain"], &["tokio", "diesel", "reqwest", "rand", "temporalio-sdk", "temporalio-client"]),
    ("store", &["domain"], &["axum", "askama", "temporalio-sdk", "temporalio-client", "candle-core"]),
    ("models", &[], &["tokio", "diesel", "axum", "askama", "temporalio-sdk", "temporalio-client"]),
    ("activities", &["domain", "store", "workflows", "models"], &["axum", "askama"]),
    ("gateway", &["domain", "store", "workflows"], &["askama", "temporalio-sdk", "candle-core"]),
    ("review-ui", &["domain", "store", "workflows"], &["gateway", "temporalio-sdk", "candle-core"]),
    ("app", &["domain", "workflows", "store", "models", "activities", "gateway", "review-ui"], &[]),
    ("tests", &["domain", "workflows", "store", "models", "activities", "gateway", "review-ui", "app"], &[]),
];

/// All that `domain` may use from outside: crates that compute and do no input or output. A name is added here on purpose or not at all.
const PURE: [&str; 18] = [
    "base64",
    "chrono",
    "ed25519-dalek",
    "hex",
    "hmac",
    "ipnet",
    "loom",
    "proptest",
    "rust_decimal",
    "serde",
    "serde_json",
    "sha2",
    "strsim",
    "subtle",
    "thiserror",
    "unicode-normalization",
    "url",
    "uuid",
];

/// Lines of a source file before its tests; past this there is usually a second subject inside.
const LONGEST_FILE: usize = 400;

/// Sections of a runbook, in this order.
const SECTIONS: [&str; 4] = ["## Meaning", "## Impact", "## Diagnosis", "## Mitigation"];

/// Folders whose names would tell on whose machine something was written. This file is the one exception.
const HOMES: [&str; 3] = ["/home/", "/root/", "/Users/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository").to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("read {path}: {error}"))
}

/// Every file of the repository that is text, by its path; what `.gitignore` names is left out.
fn files() -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("list a folder").filter_map(Result::ok) {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | ".git" | ".assay") {
                    folders.push(path);
                }
            } else if name.ends_with(".log") {
                // Ignored too: whoever ran something here may have kept its output.
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let below = path.strip_prefix(root()).expect("below the root").to_string_lossy().into_owned();
                found.insert(below, text);
            }
        }
    }
    found
}

/// The words of a text that begin like this: names of metrics or variables.
fn words<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(move |word| word.starts_with(prefix) && word.len() > prefix.len())
}

fn sources() -> BTreeMap<String, String> {
    files().into_iter().filter(|(path, _)| path.ends_with(".rs")).collect()
}

/// The pages that name files and functions.
fn pages() -> BTreeMap<String, String> {
    let is_page = |path: &str| path.ends_with(".md") && !path.starts_with("samples/");
    files().into_iter().filter(|(path, _)| is_page(path)).collect()
}

#[test]
fn crates_use_only_what_their_row_names() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().expect("cargo metadata");
    let ours: BTreeSet<&str> = ARROWS.iter().map(|(name, _, _)| *name).collect();
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some((_, may, never)) = ARROWS.iter().find(|(row, _, _)| *row == name) else {
            faults.push(format!("{name} has no row"));
            continue;
        };
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            let stray = ours.contains(used) && !may.contains(&used) && used != name;
            if stray || (never.contains(&used) && dependency.kind == cargo_metadata::DependencyKind::Normal) {
                faults.push(format!("{name} may not use {used}"));
            }
        }
    }
    assert_eq!(metadata.packages.len(), ARROWS.len());
    let domain = metadata.packages.iter().find(|package| package.name.as_str() == "domain").expect("the crate domain");
    let impure = domain.dependencies.iter().filter(|dependency| !PURE.contains(&dependency.name.as_str()));
    faults.extend(impure.map(|dependency| format!("domain uses {}, which is not known to be pure", dependency.name)));
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn activities_use_only_the_contract_of_the_workflows() {
    let allowed = ["workflows::contract", "workflows::window", "workflows::pool"];
    let faults: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| path.starts_with("activities/src/"))
        .flat_map(|(path, text)| {
            let lines: Vec<String> = text.lines().filter(|line| line.contains("workflows::")).map(str::to_owned).collect();
            lines.into_iter().filter(|line| !allowed.iter().any(|one| line.contains(one))).map(move |line| format!("{path}: {line}"))
        })
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_dependency_says_why_it_is_here() {
    let manifest = read("Cargo.toml");
    let table = manifest.split("[workspace.dependencies]").nth(1).and_then(|rest| rest.split("\n[").next()).expect("the table");
    let mut explained = false;
    for line in table.lines() {
        if line.trim().is_empty() {
            explained = false;
        } else if line.starts_with('#') {
            explained = true;
        } else {
            assert!(explained || line.contains('#') || line.contains("path = "), "no reason above `{line}`");
        }
    }
}

#[test]
fn paths_and_functions_that_pages_name_exist() {
    let mut faults = Vec::new();
    for (page, text) in pages() {
        // Every second piece between backticks is code.
        for code in text.split('`').skip(1).step_by(2) {
            let code = code.trim();
            let (path, function) =
                code.split_once(".rs::").map_or((code.to_owned(), None), |(path, function)| (format!("{path}.rs"), Some(function)));
            let first = path.split('/').next().unwrap_or_default();
            let is_ours = path.contains('/')
                && !path.contains([' ', '<', '*', '$', '{', '|', '…'])
                && root().join(first).is_dir()
                && !first.is_empty();
            if !is_ours {
                continue;
            }
            let file = root().join(&path);
            if !file.exists() {
                // Only paths that a checkout has; runs make others.
                if !path.starts_with(".assay") {
                    faults.push(format!("{page} names {path}"));
                }
                continue;
            }
            if let Some(function) = function {
                let source = std::fs::read_to_string(&file).unwrap_or_default();
                let is_defined = ["(", "<"].iter().any(|next| source.contains(&format!("fn {function}{next}")));
                if !is_defined {
                    faults.push(format!("{page} names {path}::{function}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut faults = Vec::new();
    for (page, text) in pages() {
        let folder = root().join(&page).parent().expect("a folder").to_owned();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let is_local = !target.contains("://") && !target.starts_with('#') && !target.is_empty();
            if is_local && !folder.join(target.split('#').next().unwrap_or_default()).exists() {
                faults.push(format!("{page} links to {target}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn alerts_have_runbooks_and_metrics_that_exist() {
    let alerts = read("deploy/alerts.yml");
    let code: String = sources().into_iter().filter(|(path, _)| !path.starts_with("tests/")).map(|(_, text)| text).collect();
    let mut named = BTreeSet::new();
    for line in alerts.lines().map(str::trim) {
        if let Some(alert) = line.strip_prefix("- alert: ") {
            assert!(alerts.contains(&format!("runbook: runbooks/{alert}.md")), "{alert} has no runbook");
            assert!(root().join(format!("runbooks/{alert}.md")).exists(), "runbooks/{alert}.md is missing");
            named.insert(alert.to_owned());
        }
    }
    assert!(!named.is_empty());
    for metric in words(&alerts, "assay_") {
        // How often a histogram was filled has a name of its own, made from the histogram's.
        let metric = metric.trim_end_matches("_count");
        assert!(code.contains(&format!("\"{metric}\"")), "{metric} is not counted anywhere");
    }
}

#[test]
fn runbooks_have_their_sections_and_are_in_the_index() {
    let index = read("runbooks/README.md");
    let mut pages = 0;
    for (path, text) in files() {
        let Some(page) = path.strip_prefix("runbooks/").filter(|page| page.ends_with(".md") && *page != "README.md") else { continue };
        pages += 1;
        assert!(index.contains(&format!("({page})")), "{page} is not in the index");
        let sections: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(sections, SECTIONS, "{path}");
        assert!(text.contains("It is over when"), "{path} does not say how to see that it is over");
    }
    assert!(pages > 0);
}

#[test]
fn variables_and_metrics_that_pages_name_exist() {
    let is_code = |path: &str| !path.ends_with(".md") && path != "Cargo.lock" && path != "tests/tidy.rs";
    let code: BTreeMap<String, String> = files().into_iter().filter(|(path, _)| is_code(path)).collect();
    let known: BTreeSet<&str> = code.values().flat_map(|text| words(text, "ASSAY_").chain(words(text, "assay_"))).collect();
    let mut faults = Vec::new();
    for (page, text) in pages() {
        for name in words(&text, "ASSAY_").chain(words(&text, "assay_")) {
            // `assay_queue_` stands for all that begin so.
            let is_family = name.ends_with('_') && known.iter().any(|one| one.starts_with(name));
            if !known.contains(name) && !is_family {
                faults.push(format!("{page} names {name}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn runbooks_that_log_lines_name_exist() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        for rest in text.split("runbook ").skip(1) {
            let name: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            let is_name = name.chars().next().is_some_and(char::is_uppercase);
            if is_name && !root().join(format!("runbooks/{name}.md")).exists() {
                faults.push(format!("{path} names the runbook {name}"));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn sources_open_with_what_they_own_and_keep_to_one_subject() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        if !text.starts_with("//!") {
            faults.push(format!("{path} does not say what it owns"));
        }
        let before_tests = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().lines().count();
        if before_tests > LONGEST_FILE {
            faults.push(format!("{path} has {before_tests} lines"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let faults: Vec<String> = files()
        .into_iter()
        .filter(|(path, _)| path != "tests/tidy.rs")
        .flat_map(|(path, text)| {
            let lines: Vec<String> = text.lines().filter(|line| HOMES.iter().any(|home| line.contains(home))).map(str::to_owned).collect();
            lines.into_iter().map(move |line| format!("{path}: {line}"))
        })
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
