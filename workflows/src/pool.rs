//! Task queues: one per class of hardware or engine, never per tenant or stage.

/// A pool of workers and the task queue that feeds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pool {
    /// Workflow tasks and the steps of milliseconds: classifying and extracting by rules, judging, publishing, finalising. The server hands
    /// those out together with the workflow task before them, and no long activity stands in their way.
    Workflow,
    /// Decoding and rasterising.
    Cpu,
    /// Tesseract. An engine of its own queue can be closed without closing the fallback.
    Ocr,
    /// Models, once there are any. Until then only the steps that workflows of an earlier build still send here.
    Gpu,
    /// What leaves the house and may have to wait for others: webhooks. Also the endings that workflows of an earlier build still send here.
    Export,
}

impl Pool {
    pub const ALL: [Self; 5] = [Self::Workflow, Self::Cpu, Self::Ocr, Self::Gpu, Self::Export];

    /// The word on the command line, as in `assay worker --pool ocr`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workflow => "workflow",
            Self::Cpu => "cpu",
            Self::Ocr => "ocr",
            Self::Gpu => "gpu",
            Self::Export => "export",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pool| pool.as_str() == word)
    }

    /// The Temporal task queue. Names are frozen: running workflows hold them.
    pub fn task_queue(self) -> &'static str {
        match self {
            Self::Workflow => "assay-workflow",
            Self::Cpu => "assay-cpu",
            Self::Ocr => "assay-ocr-tesseract",
            Self::Gpu => "assay-gpu",
            Self::Export => "assay-export",
        }
    }
}
