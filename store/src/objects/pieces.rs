//! An object as a stream of pieces, so that a download costs the memory of one of them, however large the object is.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, stream};

use super::{ByteStream, ObjectError, Objects};

/// Bytes in memory per download.
const PIECE: u64 = 1024 * 1024;

/// The bytes from `start` to just before `end`; `None` when there is no such object or it ends before `start`.
///
/// The first piece is fetched before this returns, so that an outage is still an error and not half an answer. One that comes later is an
/// error in the stream, as is an object that ends early.
pub async fn read_pieces(objects: Arc<dyn Objects>, key: String, start: u64, end: u64) -> Result<Option<ByteStream>, ObjectError> {
    let Some(first) = objects.get_range(&key, start, PIECE.min(end - start)).await? else { return Ok(None) };
    let next = start + first.len() as u64;
    let rest = stream::unfold(next, move |offset| {
        let (objects, key) = (objects.clone(), key.clone());
        async move {
            if offset >= end {
                return None;
            }
            let piece = match objects.get_range(&key, offset, PIECE.min(end - offset)).await {
                Ok(Some(piece)) if !piece.is_empty() => Ok(piece),
                Ok(_) => Err(std::io::Error::other("the object ended early")),
                Err(error) => Err(std::io::Error::other(error)),
            };
            let next = piece.as_ref().map_or(end, |piece| offset + piece.len() as u64);
            Some((piece, next))
        }
    });
    Ok(Some(Box::pin(stream::iter([Ok::<Bytes, std::io::Error>(first)]).chain(rest))))
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::objects::MemoryObjects;

    #[tokio::test]
    async fn an_object_is_read_piece_by_piece() {
        let objects = Arc::new(MemoryObjects::new());
        let bytes = Bytes::from((0..PIECE as usize * 2 + 7).map(|index| index as u8).collect::<Vec<_>>());
        objects.put("key", bytes.clone(), "text/plain", Sha256::digest(&bytes).into()).await.unwrap();
        for (start, end, pieces) in [(0, bytes.len(), 3), (5, 6, 1), (1, PIECE as usize + 1, 1), (0, PIECE as usize + 1, 2)] {
            let stream = read_pieces(objects.clone(), "key".to_owned(), start as u64, end as u64).await.unwrap().unwrap();
            let read: Vec<Bytes> = stream.map(Result::unwrap).collect().await;
            assert_eq!(read.len(), pieces, "{start}..{end}");
            assert_eq!(read.concat(), bytes[start..end], "{start}..{end}");
        }
    }

    #[tokio::test]
    async fn what_is_not_there_is_nothing_and_what_ends_early_is_an_error() {
        let objects = Arc::new(MemoryObjects::new());
        assert!(read_pieces(objects.clone(), "none".to_owned(), 0, 10).await.unwrap().is_none());
        objects.put("key", Bytes::from_static(b"short"), "text/plain", Sha256::digest(b"short").into()).await.unwrap();
        let stream = read_pieces(objects, "key".to_owned(), 0, 10).await.unwrap().unwrap();
        let read: Vec<_> = stream.map(|piece| piece.map_err(|error| error.to_string())).collect().await;
        assert_eq!(read, [Ok(Bytes::from_static(b"short")), Err("the object ended early".to_owned())]);
    }
}
