//! Files in, pages and words out, through a real decoding child and a real Tesseract; and every activity alone, on a real database. The
//! child is this program again, so the usual harness, whose `main` is not ours, cannot run these tests.

mod alone;
mod documents;
mod draw;
mod hostile;
mod odd;
mod pictures;
mod scene;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

type Test = (&'static str, fn());

fn main() -> ExitCode {
    activities::reading::run_if_child();
    if let Some(code) = scene::with_one_openmp_thread() {
        return code;
    }
    // As in the usual harness: words are filters, options are not for us.
    let filters: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let listing = std::env::args().any(|argument| argument == "--list");
    let mut failed = Vec::new();
    for (name, test) in [alone::TESTS, pictures::TESTS, documents::TESTS, hostile::TESTS, odd::TESTS].concat() {
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter.as_str())) {
            continue;
        }
        if listing {
            println!("{name}: test");
            continue;
        }
        let passed = catch_unwind(AssertUnwindSafe(test)).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        if !passed {
            failed.push(name);
        }
    }
    if failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("failed: {}", failed.join(", "));
    ExitCode::FAILURE
}
