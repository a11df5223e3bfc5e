//! Threads that each own one Tesseract engine, and the bounded queue before them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::reading::reader::ReadError;
use crate::reading::tesseract::{self, Engine};

/// Pages that wait per thread; more would only sit in memory.
const WAITING: usize = 4;
/// A page waits this long for its place in the queue before it is told to come again.
const PATIENCE: Duration = Duration::from_secs(60);

type Job = Box<dyn FnOnce(&Engine) + Send>;

/// The threads end when the pool is dropped.
pub struct Pool {
    jobs: mpsc::Sender<Job>,
    threads: usize,
}

impl Pool {
    /// Loads one engine per thread, and says so when one cannot be loaded.
    pub fn start(threads: usize) -> Result<Self, ReadError> {
        let threads = threads.max(1);
        let (jobs, queue) = mpsc::channel::<Job>(threads * WAITING);
        let queue = Arc::new(Mutex::new(queue));
        let (ready, loaded) = std::sync::mpsc::channel();
        for number in 0..threads {
            let (queue, ready) = (Arc::clone(&queue), ready.clone());
            let name = format!("tesseract-{number}");
            thread::Builder::new().name(name).spawn(move || own_engine(&ready, &queue)).map_err(ReadError::Thread)?;
        }
        drop(ready);
        for outcome in loaded.iter().take(threads) {
            outcome.map_err(ReadError::Load)?;
        }
        Ok(Self { jobs, threads })
    }

    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Does one piece of work on whichever engine is free.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Engine) -> T + Send + 'static) -> Result<T, ReadError> {
        let (done, outcome) = oneshot::channel();
        let job: Job = Box::new(move |engine| {
            // Nobody waits for a page whose activity was given up.
            if !done.is_closed() {
                let _ = done.send(work(engine));
            }
        });
        self.jobs.send_timeout(job, PATIENCE).await.map_err(|_| ReadError::Overloaded)?;
        outcome.await.map_err(|_| ReadError::Lost)
    }
}

fn own_engine(ready: &std::sync::mpsc::Sender<Result<(), tesseract::Error>>, queue: &Mutex<mpsc::Receiver<Job>>) {
    let mut engine = match Engine::load() {
        Ok(engine) => engine,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    let _ = ready.send(Ok(()));
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(job) = job else { return };
        if catch_unwind(AssertUnwindSafe(|| job(&engine))).is_err() {
            // What a panic leaves in an engine is unknown; the next page gets a fresh one.
            match Engine::load() {
                Ok(fresh) => engine = fresh,
                Err(_) => return,
            }
        }
    }
}
