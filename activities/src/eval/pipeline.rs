//! The pipeline's own prepare and read, file by file, without a store or an engine around them.

use std::path::Path;
use std::sync::Arc;

use domain::block::{PREPARE_VERSION, PageWords};
use domain::evidence::MediaType;
use tokio::runtime::Handle;

use crate::classify::RulesClassifier;
use crate::eval::{Engines, FileReader};
use crate::extract::RulesExtractor;
use crate::reading::{PageInput, PrepareFile, Reader, Sandbox};

/// Pages prepared at a time, so that a long file keeps few images in memory.
const WINDOW: u32 = 8;
/// As many bytes as tell a file's type.
const HEAD: usize = 512;

/// Prepares in the sandbox and reads with Tesseract, as the workers do.
pub struct Pipeline {
    sandbox: Arc<Sandbox>,
    reader: Arc<Reader>,
    runtime: Handle,
}

impl Pipeline {
    /// `runtime` waits for the sandbox and for Tesseract; the evaluation's own threads only hand over files.
    pub fn new(sandbox: Arc<Sandbox>, reader: Arc<Reader>, runtime: Handle) -> Self {
        Self { sandbox, reader, runtime }
    }

    async fn pages(&self, file: &Path) -> Result<Vec<PageWords>, String> {
        let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
        let media_type = MediaType::sniff(&bytes[..bytes.len().min(HEAD)]).ok_or("a type of file that is not read")?;
        let bytes = bytes::Bytes::from(bytes);
        let mut read = Vec::new();
        let mut first_page = 1;
        loop {
            let last_page = first_page + WINDOW - 1;
            let request = PrepareFile { bytes: bytes.clone(), media_type, first_page, last_page };
            let prepared = self.sandbox.prepare(request).await.map_err(|error| error.to_string())?;
            for page in prepared.pages {
                let Some(image) = page.image else { continue };
                let input = PageInput {
                    page: page.page,
                    image: image.into(),
                    text_layer: page.text_layer,
                    text_layer_state: page.text_layer_state,
                    blank: page.blank,
                };
                read.push(self.reader.read_page(input).await.map_err(|error| error.to_string())?.words);
            }
            if last_page >= prepared.pages_total {
                return Ok(read);
            }
            first_page = last_page + 1;
        }
    }
}

impl FileReader for Pipeline {
    fn name(&self) -> String {
        format!("{PREPARE_VERSION}+{}", self.reader.name())
    }

    fn read(&self, file: &Path) -> Result<Vec<PageWords>, String> {
        self.runtime.block_on(self.pages(file))
    }
}

impl Engines {
    /// What the workers run today: the pipeline's reader and the rules. Called on the runtime that is to wait for the reader.
    pub fn of_workers(sandbox: Arc<Sandbox>, reader: Arc<Reader>) -> Self {
        let reader = Arc::new(Pipeline::new(sandbox, reader, Handle::current()));
        Self { reader, classifier: Arc::new(RulesClassifier), extractor: Arc::new(RulesExtractor) }
    }
}
