//! Prints the words of files as JSON lines, one page a line: `cargo run -p activities --example read -- FILE...`
//!
//! What else is known of a page goes to standard error.

use std::process::ExitCode;

use activities::reading::{PageInput, PrepareFile, Reader, Sandbox, run_if_child};
use domain::evidence::MediaType;

/// Pages prepared at a time.
const WINDOW: u32 = 16;

fn main() -> ExitCode {
    run_if_child();
    let done = tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| runtime.block_on(read_all()));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("read: {error}");
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

async fn read_all() -> Result<(), Failure> {
    let (sandbox, reader) = (Sandbox::of_this_program()?, Reader::start(1, None)?);
    for path in std::env::args().skip(1) {
        if let Err(error) = read(&sandbox, &reader, &path).await {
            eprintln!("{path}: {error}");
        }
    }
    Ok(())
}

async fn read(sandbox: &Sandbox, reader: &Reader, path: &str) -> Result<(), Failure> {
    let bytes = bytes::Bytes::from(std::fs::read(path)?);
    let media_type = MediaType::sniff(&bytes[..bytes.len().min(512)]).ok_or("a type of file that is not read")?;
    let mut first_page = 1;
    loop {
        let began = std::time::Instant::now();
        let request = PrepareFile { bytes: bytes.clone(), media_type, first_page, last_page: first_page + WINDOW - 1 };
        let range = sandbox.prepare(request).await?;
        eprintln!(
            "{path}: pages {first_page}.. of {}, prepared in {:.2} s ({:.2} CPU), {} MB, network cut: {} {:?}",
            range.pages_total,
            began.elapsed().as_secs_f64(),
            range.cpu_seconds,
            range.peak_bytes >> 20,
            range.network_cut,
            range.warnings
        );
        for page in range.pages {
            eprint!(
                "{path}: page {} {}x{} turned {} leant {:.1} {:?} blank {} {:?}",
                page.page, page.width, page.height, page.turned_degrees, page.skew_degrees, page.text_layer_state, page.blank, page.blocker
            );
            let Some(image) = page.image else {
                eprintln!();
                continue;
            };
            if let Ok(folder) = std::env::var("PAGES") {
                let name = path.rsplit('/').next().unwrap_or("page");
                std::fs::write(format!("{folder}/{name}-{}.png", page.page), &image)?;
            }
            let input = PageInput {
                page: page.page,
                image: image.into(),
                text_layer: page.text_layer,
                text_layer_state: page.text_layer_state,
                blank: page.blank,
            };
            let read = reader.read_page(input).await?;
            eprintln!(
                ", read {} words in {:.2} CPU s as {:?} {:?}",
                read.words.words.len(),
                read.cpu_seconds,
                read.words.source,
                read.blockers
            );
            println!("{}", serde_json::to_string(&read.words)?);
        }
        if first_page + WINDOW > range.pages_total {
            return Ok(());
        }
        first_page += WINDOW;
    }
}
