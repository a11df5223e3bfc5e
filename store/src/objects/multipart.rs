//! Streams in parts: cut to size, three under way at a time, each hashed, tried again when it fails, given up as a whole.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::{FuturesUnordered, StreamExt};
use sha2::{Digest, Sha256};

use super::{ByteStream, ObjectError, Uploaded};

/// Every part but the last is this big. A stream that ends before is stored in one piece.
pub(crate) const PART_SIZE: usize = 10 * 1024 * 1024;
/// Parts under way at a time: what one upload keeps in memory is this many parts and the one being filled.
const AT_A_TIME: usize = 3;
/// Tries per part.
const TRIES: u32 = 3;
/// Wait before the second try; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// A store that takes parts.
#[async_trait]
pub(crate) trait PartStore: Send + Sync + 'static {
    /// Stores a small stream in one piece.
    async fn put_whole(&self, bytes: Bytes, sha256: [u8; 32]) -> Result<(), ObjectError>;
    /// Opens an upload in parts.
    async fn begin(&self) -> Result<String, ObjectError>;
    /// Stores one part, numbered from 1, and returns the store's tag for it.
    async fn put_part(&self, upload: &str, number: i32, bytes: Bytes, sha256: [u8; 32]) -> Result<String, ObjectError>;
    /// Makes one object of the parts.
    async fn complete(&self, upload: &str, parts: Vec<Part>) -> Result<(), ObjectError>;
    /// Forgets the parts.
    async fn abort(&self, upload: &str);
}

/// A part that is stored.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub number: i32,
    pub tag: String,
    pub sha256: [u8; 32],
}

/// Stores a stream and says how long it was and what it hashed to.
pub(crate) async fn upload(store: Arc<dyn PartStore>, stream: ByteStream) -> Result<Uploaded, ObjectError> {
    let mut cutter = Cutter::new(stream);
    let first = cutter.next_part().await?;
    if first.len() < PART_SIZE {
        let uploaded = cutter.uploaded();
        retried(|| store.put_whole(first.clone(), uploaded.sha256)).await?;
        return Ok(uploaded);
    }
    let mut guard = Abort { upload: store.begin().await?, store: Some(Arc::clone(&store)) };
    let finished = match send_parts(store.as_ref(), &guard.upload, first, &mut cutter).await {
        Ok(parts) => store.complete(&guard.upload, parts).await,
        Err(error) => Err(error),
    };
    // Whoever fails waits for the abort; whoever is dropped leaves it to the guard.
    guard.store = None;
    if let Err(error) = finished {
        store.abort(&guard.upload).await;
        return Err(error);
    }
    Ok(cutter.uploaded())
}

async fn send_parts(store: &dyn PartStore, upload: &str, first: Bytes, cutter: &mut Cutter) -> Result<Vec<Part>, ObjectError> {
    let mut under_way = FuturesUnordered::new();
    let mut done = Vec::new();
    let mut next = first;
    let mut number = 0;
    while !next.is_empty() {
        if under_way.len() >= AT_A_TIME
            && let Some(part) = under_way.next().await
        {
            done.push(part?);
        }
        number += 1;
        under_way.push(send_part(store, upload, number, next));
        // The parts under way go on while the next one fills.
        let filling = cutter.next_part();
        tokio::pin!(filling);
        next = loop {
            tokio::select! {
                filled = &mut filling => break filled?,
                Some(part) = under_way.next() => done.push(part?),
            }
        };
    }
    while let Some(part) = under_way.next().await {
        done.push(part?);
    }
    done.sort_by_key(|part| part.number);
    Ok(done)
}

async fn send_part(store: &dyn PartStore, upload: &str, number: i32, bytes: Bytes) -> Result<Part, ObjectError> {
    let sha256 = Sha256::digest(&bytes).into();
    let tag = retried(|| store.put_part(upload, number, bytes.clone(), sha256)).await?;
    Ok(Part { number, tag, sha256 })
}

async fn retried<T, F: Future<Output = Result<T, ObjectError>>>(mut attempt: impl FnMut() -> F) -> Result<T, ObjectError> {
    let mut wait = FIRST_WAIT;
    for _ in 1..TRIES {
        match attempt().await {
            // A part that arrived damaged is worth another try, too.
            Err(error) if error.is_retryable() || matches!(error, ObjectError::ChecksumMismatch) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "A part was not stored and is sent again");
            }
            decided => return decided,
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
    attempt().await
}

/// Cuts a stream into parts of one size, some stores insist on that, and hashes it on the way.
struct Cutter {
    stream: ByteStream,
    left_over: Bytes,
    hasher: Sha256,
    size: u64,
}

impl Cutter {
    fn new(stream: ByteStream) -> Self {
        Self { stream, left_over: Bytes::new(), hasher: Sha256::new(), size: 0 }
    }

    /// One part; shorter than [`PART_SIZE`] only at the end of the stream, and empty after it.
    async fn next_part(&mut self) -> Result<Bytes, ObjectError> {
        let mut part = BytesMut::new();
        loop {
            let room = PART_SIZE - part.len();
            part.extend_from_slice(&self.left_over.split_to(room.min(self.left_over.len())));
            if part.len() == PART_SIZE {
                break;
            }
            let Some(piece) = self.stream.next().await else { break };
            self.left_over = piece.map_err(|source| ObjectError::Source { source })?;
            self.hasher.update(&self.left_over);
            self.size += self.left_over.len() as u64;
        }
        Ok(part.freeze())
    }

    /// What came out of the stream, once it is at its end.
    fn uploaded(&self) -> Uploaded {
        Uploaded { size: self.size, sha256: self.hasher.clone().finalize().into() }
    }
}

/// Aborts an upload whose future was dropped.
struct Abort {
    upload: String,
    store: Option<Arc<dyn PartStore>>,
}

impl Drop for Abort {
    fn drop(&mut self) {
        let Some(store) = self.store.take() else { return };
        let upload = std::mem::take(&mut self.upload);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { store.abort(&upload).await });
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use futures::stream;

    use super::*;
    use crate::objects::{Objects, S3Objects};
    use crate::testing::TestObjects;

    /// Passes parts on, but fails the first tries of one of them, and remembers what it saw.
    struct Flaky<P> {
        inner: P,
        part: i32,
        failures: u32,
        log: Arc<Mutex<Log>>,
    }

    #[derive(Default)]
    struct Log {
        tries: BTreeMap<i32, u32>,
        under_way: u32,
        most_under_way: u32,
        aborted: Vec<String>,
    }

    #[async_trait]
    impl<P: PartStore> PartStore for Flaky<P> {
        async fn put_whole(&self, bytes: Bytes, sha256: [u8; 32]) -> Result<(), ObjectError> {
            self.inner.put_whole(bytes, sha256).await
        }

        async fn begin(&self) -> Result<String, ObjectError> {
            self.inner.begin().await
        }

        async fn put_part(&self, upload: &str, number: i32, bytes: Bytes, sha256: [u8; 32]) -> Result<String, ObjectError> {
            let tries = {
                let mut log = self.log.lock().unwrap();
                log.under_way += 1;
                log.most_under_way = log.most_under_way.max(log.under_way);
                let tries = log.tries.entry(number).or_default();
                *tries += 1;
                *tries
            };
            let sent = match (number == self.part, tries <= self.failures, tries % 2) {
                (true, true, 1) => Err(ObjectError::Unavailable { doing: "fail", source: "on purpose".into() }),
                // Sent whole, but damaged on the way: it is for the store to notice.
                (true, true, _) => self.inner.put_part(upload, number, bytes.slice(1..), sha256).await,
                _ => self.inner.put_part(upload, number, bytes, sha256).await,
            };
            self.log.lock().unwrap().under_way -= 1;
            sent
        }

        async fn complete(&self, upload: &str, parts: Vec<Part>) -> Result<(), ObjectError> {
            self.inner.complete(upload, parts).await
        }

        async fn abort(&self, upload: &str) {
            self.inner.abort(upload).await;
            self.log.lock().unwrap().aborted.push(upload.to_owned());
        }
    }

    fn scene(objects: &S3Objects, failures: u32) -> (Arc<dyn PartStore>, Arc<Mutex<Log>>) {
        let log = Arc::new(Mutex::new(Log::default()));
        let inner = objects.parts("tenants/t/incoming/one", "application/pdf");
        (Arc::new(Flaky { inner, part: 2, failures, log: Arc::clone(&log) }), log)
    }

    fn file(length: usize) -> (Bytes, ByteStream) {
        let bytes: Bytes = (0..length).map(|index| (index * 7 % 253) as u8).collect::<Vec<u8>>().into();
        let pieces: Vec<_> = bytes.chunks(65_536).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        (bytes, Box::pin(stream::iter(pieces)))
    }

    #[tokio::test]
    async fn a_part_that_fails_twice_is_sent_a_third_time() {
        let Some(bucket) = TestObjects::start().await else { return };
        let objects = bucket.objects();
        let (store, log) = scene(&objects, 2);
        let (bytes, stream) = file(45 * 1024 * 1024);
        let uploaded = upload(store, stream).await.unwrap();
        assert_eq!((uploaded.size, uploaded.sha256), (bytes.len() as u64, Sha256::digest(&bytes).into()));
        assert!(objects.get("tenants/t/incoming/one").await.unwrap().unwrap() == bytes);
        let log = log.lock().unwrap();
        assert_eq!(log.tries, [(1, 1), (2, 3), (3, 1), (4, 1), (5, 1)].into());
        assert_eq!((log.most_under_way, log.aborted.len()), (3, 0));
    }

    #[tokio::test]
    async fn a_part_that_keeps_failing_ends_the_upload_and_leaves_nothing() {
        let Some(bucket) = TestObjects::start().await else { return };
        let objects = bucket.objects();
        let (store, log) = scene(&objects, 100);
        let (_, stream) = file(25 * 1024 * 1024);
        let error = upload(store, stream).await.unwrap_err();
        assert!(error.is_retryable(), "{error:?}");
        assert_eq!(objects.head("tenants/t/incoming/one").await.unwrap(), None);
        let log = log.lock().unwrap();
        assert_eq!((log.tries[&2], log.aborted.len()), (3, 1));
    }

    #[tokio::test]
    async fn an_upload_that_is_dropped_is_aborted() {
        let Some(bucket) = TestObjects::start().await else { return };
        let objects = bucket.objects();
        let (store, log) = scene(&objects, 0);
        let (bytes, _) = file(12 * 1024 * 1024);
        // The client sends more than one part and then nothing more.
        let stalled = stream::iter([Ok(bytes)]).chain(stream::pending());
        let sending = upload(store, Box::pin(stalled));
        let stored = async {
            while log.lock().unwrap().tries.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = sending => unreachable!("it cannot end"),
            () = stored => {}
        }
        while log.lock().unwrap().aborted.is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(objects.head("tenants/t/incoming/one").await.unwrap(), None);
    }
}
