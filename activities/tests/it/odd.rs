//! Awkward files of other people: a clean result or a clear refusal, never a crash, never a hang.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use activities::reading::{Limits, PrepareError, PrepareFile};
use domain::evidence::MediaType;

use crate::Test;
use crate::scene::{development_data, runtime, sandbox};

pub const TESTS: &[Test] = &[("awkward_files_end_well", awkward_files_end_well)];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}

fn awkward_files_end_well() {
    let Some(folder) = development_data("odd") else { return };
    let (mut drawn, mut refused, mut foreign) = (0, 0, 0);
    for path in files(&folder) {
        let bytes = std::fs::read(&path).unwrap();
        let Some(media_type) = MediaType::sniff(&bytes[..bytes.len().min(512)]) else {
            foreign += 1;
            continue;
        };
        let began = Instant::now();
        let request = PrepareFile { bytes: bytes.into(), media_type, first_page: 1, last_page: 4 };
        match runtime().block_on(sandbox(Limits::default()).prepare(request)) {
            Ok(range) => {
                assert!(range.pages.iter().all(|page| page.image.is_some()), "{}: {:?}", path.display(), range.warnings);
                drawn += 1;
            }
            Err(PrepareError::Encrypted | PrepareError::Unreadable { .. }) => refused += 1,
            Err(error @ PrepareError::Engine { .. }) => panic!("{}: {error}", path.display()),
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{} took too long", path.display());
    }
    println!("{drawn} drawn, {refused} refused, {foreign} of types that are not read");
    assert!(drawn > 50 && refused >= 1);
}
