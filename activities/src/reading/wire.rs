//! What parent and child say to each other over two pipes: a length, JSON, and for pages the bytes of a PNG.

use std::io::{self, Read, Write};

use domain::evidence::MediaType;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::reading::TextLayerState;
use domain::block::PageWords;

/// JSON of one frame at most: the words of a page that is nothing but text.
const MAX_JSON: usize = 16 << 20;
/// Bytes of a page image at most; a prepared page has 9 million pixels.
const MAX_BLOB: usize = 24 << 20;

/// What the parent asks for; the bytes of the file follow.
#[derive(Debug, Serialize, Deserialize)]
pub struct Request {
    pub media_type: MediaType,
    pub first_page: u32,
    pub last_page: u32,
    /// Pages drawn at a time.
    pub threads: u32,
    pub file_bytes: u64,
    pub limits: ChildLimits,
}

/// The limits that the child sets for itself before it reads anything else.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct ChildLimits {
    pub address_space: u64,
    pub cpu_seconds: u64,
    pub pixels: u64,
    pub pages: u32,
}

/// What the child answers.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// Ready to read the file; everything before this is our own doing.
    Confined { network_cut: bool },
    /// The file was opened.
    Opened { pages_total: u32 },
    /// The file will not be read.
    Refused { refusal: Refusal },
    /// A page; its PNG follows in the same frame.
    Page(Page),
    /// One page cannot be drawn, the others may.
    PageFailed { page: u32, reason: String },
    /// The last frame.
    Done { cpu_seconds: f64, peak_bytes: u64 },
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Refusal {
    Encrypted,
    Unreadable(String),
}

/// A page without its image.
#[derive(Debug, Serialize, Deserialize)]
pub struct Page {
    pub page: u32,
    pub width: u32,
    pub height: u32,
    pub turned_degrees: u16,
    pub skew_degrees: f32,
    pub text_layer: Option<PageWords>,
    pub text_layer_state: TextLayerState,
    pub blank: bool,
    /// A part of the page could not be drawn.
    pub incomplete: bool,
}

/// Writes one frame.
pub fn send(to: &mut impl Write, message: &impl Serialize, blob: &[u8]) -> io::Result<()> {
    let json = serde_json::to_vec(message)?;
    to.write_all(&length(json.len())?)?;
    to.write_all(&length(blob.len())?)?;
    to.write_all(&json)?;
    to.write_all(blob)?;
    to.flush()
}

/// Reads one frame; the blob is left out of requests.
pub fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut head = [0; 8];
    from.read_exact(&mut head)?;
    let (json, _) = lengths(head)?;
    let mut bytes = vec![0; json];
    from.read_exact(&mut bytes)?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Reads one frame from the child, who may say anything.
pub async fn receive_answer(from: &mut (impl AsyncRead + Unpin)) -> io::Result<(Answer, Vec<u8>)> {
    let mut head = [0; 8];
    from.read_exact(&mut head).await?;
    let (json, blob) = lengths(head)?;
    let mut bytes = vec![0; json];
    from.read_exact(&mut bytes).await?;
    let answer = serde_json::from_slice(&bytes)?;
    let mut bytes = vec![0; blob];
    from.read_exact(&mut bytes).await?;
    Ok((answer, bytes))
}

fn length(bytes: usize) -> io::Result<[u8; 4]> {
    u32::try_from(bytes).map(u32::to_be_bytes).map_err(io::Error::other)
}

fn lengths(head: [u8; 8]) -> io::Result<(usize, usize)> {
    let [a, b, c, d, e, f, g, h] = head;
    let (json, blob) = (u32::from_be_bytes([a, b, c, d]) as usize, u32::from_be_bytes([e, f, g, h]) as usize);
    if json > MAX_JSON || blob > MAX_BLOB {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a frame beyond its limit"));
    }
    Ok((json, blob))
}
