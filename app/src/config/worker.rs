//! A worker process.

use workflows::pool::Pool;

use super::{Reader, Variable, Webhooks};

const POOLS: Variable =
    Variable::with_default("ASSAY_WORKER_POOLS", "workflow,cpu,ocr,gpu,export", "the pools that this worker serves; `--pool` wins over it");
const OCR_THREADS: Variable =
    Variable::with_default("ASSAY_WORKER_OCR_THREADS", "", "how many pages are read at a time; the number of cores when not set");
const CPU_SLOTS: Variable = Variable::with_default("ASSAY_WORKER_CPU_SLOTS", "8", "how many activities of the pool `cpu` run at a time");

pub(super) const VARIABLES: &[Variable] = &[POOLS, OCR_THREADS, CPU_SLOTS];

/// What a worker serves, and with how much.
#[derive(Debug, Clone)]
pub struct Worker {
    pub pools: Vec<Pool>,
    pub ocr_threads: usize,
    pub cpu_slots: usize,
    pub webhooks: Webhooks,
}

impl Worker {
    /// `asked` is the command line's `--pool`.
    pub fn read(reader: &mut Reader, asked: &[String]) -> Self {
        let listed = reader.text(POOLS);
        let words: Vec<String> =
            if asked.is_empty() { listed.split(',').map(|word| word.trim().to_owned()).collect() } else { asked.to_vec() };
        let mut pools = Vec::new();
        for word in &words {
            match Pool::parse(word) {
                Some(pool) if pools.contains(&pool) => {}
                Some(pool) => pools.push(pool),
                None => reader.problem(POOLS, format!("`{word}` is not a pool; pools are {}", Pool::ALL.map(Pool::as_str).join(", "))),
            }
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let ocr_threads = match reader.optional(OCR_THREADS) {
            Some(_) => usize::try_from(reader.number(OCR_THREADS, 1..=256)).unwrap_or(cores),
            None => cores,
        };
        let cpu_slots = usize::try_from(reader.number(CPU_SLOTS, 1..=256)).unwrap_or(8);
        Self { pools, ocr_threads, cpu_slots, webhooks: Webhooks::read(reader) }
    }
}
