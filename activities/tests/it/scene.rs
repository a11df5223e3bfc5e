//! What every test here starts from: a sandbox around this program, a reader, and a few words to look for.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, OnceLock};

use activities::reading::{
    Limits, PageInput, PageRead, PrepareError, PrepareFile, PreparedPage, PreparedRange, Reader, Sandbox, omp_limited,
};
use domain::block::PageWords;
use domain::evidence::MediaType;
use tokio::runtime::Runtime;

/// The OpenMP library reads its limit when it is loaded, so this program starts itself again with the limit set.
pub fn with_one_openmp_thread() -> Option<ExitCode> {
    if omp_limited() {
        return None;
    }
    let program = std::env::current_exe().unwrap();
    let status = Command::new(program).args(std::env::args_os().skip(1)).env("OMP_THREAD_LIMIT", "1").status().unwrap();
    Some(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// One Tesseract for all tests.
pub fn shared_reader() -> Arc<Reader> {
    static READER: OnceLock<Arc<Reader>> = OnceLock::new();
    Arc::clone(READER.get_or_init(|| Arc::new(Reader::start(1, None).unwrap())))
}

/// A sandbox with other limits than usual.
pub fn sandbox(limits: Limits) -> Sandbox {
    Sandbox { executable: std::env::current_exe().unwrap(), limits, threads: 2 }
}

/// A child that does what the script says instead of decoding; the folder must outlive it.
pub fn sandbox_of(folder: &Path, script: &str, limits: Limits) -> Sandbox {
    let executable = folder.join("child");
    std::fs::write(&executable, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&executable, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    Sandbox { executable, limits, threads: 1 }
}

pub fn prepare_within(limits: Limits, bytes: Vec<u8>, pages: (u32, u32)) -> Result<PreparedRange, PrepareError> {
    let media_type = MediaType::sniff(&bytes[..bytes.len().min(512)]).expect("a type that is read");
    let request = PrepareFile { bytes: bytes.into(), media_type, first_page: pages.0, last_page: pages.1 };
    runtime().block_on(sandbox(limits).prepare(request))
}

/// The first pages of a file.
pub fn prepare(bytes: Vec<u8>) -> Result<PreparedRange, PrepareError> {
    prepare_within(Limits::default(), bytes, (1, 16))
}

/// The only page of a file that can be read.
pub fn page(bytes: Vec<u8>) -> PreparedPage {
    let range = prepare(bytes).unwrap();
    assert_eq!((range.pages_total, range.pages.len()), (1, 1));
    range.pages.into_iter().next().unwrap()
}

pub fn read(page: PreparedPage) -> PageRead {
    let image = page.image.expect("a page that was drawn").into();
    let input =
        PageInput { page: page.page, image, text_layer: page.text_layer, text_layer_state: page.text_layer_state, blank: page.blank };
    runtime().block_on(shared_reader().read_page(input)).unwrap()
}

/// The words with one space between them.
pub fn text(words: &PageWords) -> String {
    words.words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// A bundled sample.
pub fn sample(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(name)).unwrap()
}

/// A folder of the development data, or a loud word that the test is skipped.
pub fn development_data(folder: &str) -> Option<PathBuf> {
    let root =
        std::env::var_os("ASSAY_DATA").map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"), PathBuf::from);
    let folder = root.join(folder);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: needs the development data; {} is not there (ASSAY_DATA says where it is)", folder.display());
    None
}
