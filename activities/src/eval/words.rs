//! Words of files, kept between runs under the hash of the file and the name of the reader.

use std::path::Path;

use domain::block::PageWords;
use sha2::{Digest, Sha256};

use crate::eval::FileReader;

/// The words of a file and whether they were kept from an earlier run; `None` when the file cannot be read.
pub fn read(cache: Option<&Path>, reader: &dyn FileReader, file: &Path) -> Option<(Vec<PageWords>, bool)> {
    let Some(cache) = cache else { return Some((reader.read(file).ok()?, false)) };
    let bytes = std::fs::read(file).ok()?;
    let folder = cache.join(folder_name(&reader.name()));
    let kept = folder.join(format!("{}.json", hex::encode(Sha256::digest(&bytes))));
    if let Some(pages) = std::fs::read(&kept).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
        return Some((pages, true));
    }
    let pages = reader.read(file).ok()?;
    // A cache that cannot be written only costs time.
    if std::fs::create_dir_all(&folder).is_ok()
        && let Ok(text) = serde_json::to_vec(&pages)
    {
        let _ = std::fs::write(&kept, text);
    }
    Some((pages, false))
}

fn folder_name(reader: &str) -> String {
    reader.chars().map(|c| if c.is_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    struct Counting(AtomicUsize);

    impl FileReader for Counting {
        fn name(&self) -> String {
            "counting@1".to_owned()
        }
        fn read(&self, _file: &Path) -> Result<Vec<PageWords>, String> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(vec![crate::extract::testing::page(&["TOTAL 9.00"])])
        }
    }

    #[test]
    fn a_second_run_reads_nothing_again() {
        let folder = std::env::temp_dir().join(format!("assay-eval-words-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("receipt.txt");
        std::fs::write(&file, "TOTAL 9.00").unwrap();
        let reader = Counting(AtomicUsize::new(0));
        let first = read(Some(&folder), &reader, &file).unwrap();
        let second = read(Some(&folder), &reader, &file).unwrap();
        assert_eq!((first.1, second.1, reader.0.load(Ordering::Relaxed)), (false, true, 1));
        assert_eq!(first.0, second.0);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
