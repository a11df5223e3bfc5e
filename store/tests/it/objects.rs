//! The same behaviour in memory and in a real S3 store.

use std::time::Duration;

use bytes::Bytes;
use domain::id::TenantId;
use futures::stream;
use sha2::{Digest, Sha256};
use store::objects::{MemoryObjects, ObjectError, Objects, ObjectsConfig, PutOutcome, S3Objects, evidence_key, incoming_key};
use store::testing::TestObjects;

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn some_bytes(length: usize) -> Bytes {
    (0..length).map(|index| (index * 31 % 251) as u8).collect::<Vec<u8>>().into()
}

fn pieces(bytes: &Bytes, length: usize) -> Vec<std::io::Result<Bytes>> {
    (0..bytes.len()).step_by(length).map(|start| Ok(bytes.slice(start..(start + length).min(bytes.len())))).collect()
}

async fn behaves(objects: &dyn Objects) {
    objects.ensure_bucket().await.unwrap();
    objects.ensure_bucket().await.unwrap();
    objects.ping().await.unwrap();

    let tenant = TenantId::new();
    let bytes = some_bytes(1_000);
    let key = evidence_key(tenant, &hash(&bytes));
    assert_eq!(objects.get(&key).await.unwrap(), None);
    assert_eq!(objects.head(&key).await.unwrap(), None);
    objects.delete(&key).await.unwrap();

    let wrong = objects.put_if_absent(&key, bytes.clone(), "text/plain", hash(b"other")).await.unwrap_err();
    assert!(matches!(wrong, ObjectError::ChecksumMismatch), "{wrong:?}");
    assert_eq!(objects.head(&key).await.unwrap(), None, "refused bytes are not there");
    for expected in [PutOutcome::Stored, PutOutcome::AlreadyThere] {
        assert_eq!(objects.put_if_absent(&key, bytes.clone(), "text/plain", hash(&bytes)).await.unwrap(), expected);
    }
    assert_eq!(objects.get(&key).await.unwrap(), Some(bytes.clone()));
    let meta = objects.head(&key).await.unwrap().unwrap();
    assert_eq!((meta.size, meta.sha256, meta.media_type.as_deref()), (1_000, Some(hash(&bytes)), Some("text/plain")));

    assert_eq!(objects.get_range(&key, 990, 100).await.unwrap(), Some(bytes.slice(990..)));
    assert_eq!(objects.get_range(&key, 10, 5).await.unwrap(), Some(bytes.slice(10..15)));
    assert_eq!(objects.get_range(&key, 1_000, 5).await.unwrap(), None);
    assert_eq!(objects.get_range("missing", 0, 5).await.unwrap(), None);

    let wrong = objects.put(&key, bytes.clone(), "text/plain", hash(b"other")).await.unwrap_err();
    assert!(matches!(wrong, ObjectError::ChecksumMismatch), "{wrong:?}");
    let other = some_bytes(10);
    objects.put(&key, other.clone(), "image/png", hash(&other)).await.unwrap();
    assert_eq!(objects.get(&key).await.unwrap(), Some(other));

    // Empty, below, at and above the size of a part.
    for length in [0, 1, 10 * 1024 * 1024, 25 * 1024 * 1024 + 7] {
        let bytes = some_bytes(length);
        let incoming = incoming_key(tenant);
        let stream = stream::iter(pieces(&bytes, 1_000_003));
        let uploaded = objects.upload_stream(&incoming, Box::pin(stream), "application/pdf").await.unwrap();
        assert_eq!((uploaded.size, uploaded.sha256), (length as u64, hash(&bytes)));
        let key = evidence_key(tenant, &uploaded.sha256);
        objects.promote(&incoming, &key).await.unwrap();
        objects.promote(&incoming, &key).await.unwrap();
        assert_eq!(objects.head(&incoming).await.unwrap(), None);
        assert!(objects.get(&key).await.unwrap().unwrap() == bytes, "{length} bytes");
        assert_eq!(objects.head(&key).await.unwrap().unwrap().media_type.as_deref(), Some("application/pdf"));
    }
    let missing = objects.promote("tenants/none/incoming/none", "tenants/none/evidence/none").await.unwrap_err();
    assert!(matches!(missing, ObjectError::NotFound { .. }), "{missing:?}");

    for length in [1_000, 25 * 1024 * 1024] {
        let incoming = incoming_key(tenant);
        let mut cut = pieces(&some_bytes(length), 1_000_000);
        cut.push(Err(std::io::Error::other("the client went away")));
        let error = objects.upload_stream(&incoming, Box::pin(stream::iter(cut)), "application/pdf").await.unwrap_err();
        assert!(matches!(error, ObjectError::Source { .. }), "{error:?}");
        assert_eq!(objects.head(&incoming).await.unwrap(), None);
    }
}

#[tokio::test]
async fn objects_in_memory() {
    behaves(&MemoryObjects::new()).await;
}

#[tokio::test]
async fn objects_in_s3() {
    let Some(bucket) = TestObjects::start().await else { return };
    behaves(&bucket.objects()).await;
}

#[tokio::test]
async fn a_store_that_is_away_can_be_tried_again() {
    let objects = S3Objects::new(&ObjectsConfig::new("http://127.0.0.1:1", "us-east-1", "none", "a", "b"));
    let error = objects.get("key").await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
}

/// Sends a request by hand, as a client without our code would.
async fn send(request: &store::objects::PresignedRequest, body: &[u8], change: impl Fn(&str, &str) -> String) -> (u16, Vec<u8>) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let rest = request.url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut head = format!("{} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n", request.method);
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {}\r\n", change(name, value)));
    }
    if !request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")) && !body.is_empty() {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    // A refusal may come before the body was read.
    let _ = socket.write_all(body).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut answer)).await;
    let text = String::from_utf8_lossy(&answer);
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    let start = answer.windows(4).position(|window| window == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    (status, answer[start..].to_vec())
}

#[tokio::test]
async fn a_signed_upload_takes_exactly_the_bytes_it_was_signed_for() {
    let Some(bucket) = TestObjects::start().await else { return };
    let objects = bucket.objects();
    let bytes = some_bytes(5_000);
    let key = evidence_key(TenantId::new(), &hash(&bytes));
    let as_signed = |_: &str, value: &str| value.to_owned();
    let put = objects.presign_put(&key, hash(&bytes), 5_000, "image/png", Duration::from_secs(60)).await.unwrap();
    let mut other = bytes.to_vec();
    other[17] ^= 1;
    let (status, _) = send(&put, &other, as_signed).await;
    assert!((400..500).contains(&status), "one byte off: {status}");
    let other_hash = |name: &str, value: &str| {
        if name.contains("checksum") { "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".to_owned() } else { value.to_owned() }
    };
    let (status, _) = send(&put, &bytes, other_hash).await;
    assert!((400..500).contains(&status), "another hash than was signed: {status}");
    assert_eq!(objects.head(&key).await.unwrap(), None);
    let (status, _) = send(&put, &bytes, as_signed).await;
    assert_eq!(status, 200);
    assert_eq!(objects.head(&key).await.unwrap().unwrap().sha256, Some(hash(&bytes)));
    let get = objects.presign_get(&key, Duration::from_secs(60)).await.unwrap();
    let (status, body) = send(&get, &[], as_signed).await;
    assert_eq!((status, body.len()), (200, 5_000));
    let changed = store::objects::PresignedRequest { url: get.url.replace("X-Amz-Signature=", "X-Amz-Signature=0"), ..get };
    assert_eq!(send(&changed, &[], as_signed).await.0, 403);
}
