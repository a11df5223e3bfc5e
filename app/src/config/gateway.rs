//! The public API.

use std::net::SocketAddr;

use super::{Reader, Variable, ops};

const LISTEN: Variable = Variable::with_default("ASSAY_GATEWAY_LISTEN", "127.0.0.1:8080", "where the API listens");
const PUBLIC_URL: Variable = Variable::with_default(
    "ASSAY_GATEWAY_PUBLIC_URL",
    "",
    "the address under which clients reach the API, for links; the listening address when not set",
);
const CURSOR_SECRET: Variable = Variable::with_default(
    "ASSAY_GATEWAY_CURSOR_SECRET",
    "",
    "signs the cursors of lists, the same for all gateways behind one address; derived from the secret of the S3 store when not set",
)
.secret();
const MAX_EVIDENCE_MEGABYTES: Variable =
    Variable::with_default("ASSAY_GATEWAY_MAX_EVIDENCE_MB", "100", "the largest evidence file, in megabytes");

pub(super) const VARIABLES: &[Variable] = &[LISTEN, PUBLIC_URL, CURSOR_SECRET, MAX_EVIDENCE_MEGABYTES];

/// How the API is served.
#[derive(Clone)]
pub struct Gateway {
    pub listen: SocketAddr,
    pub public_url: String,
    pub cursor_secret: Option<String>,
    /// Bytes.
    pub max_evidence_bytes: u64,
}

impl Gateway {
    pub fn read(reader: &mut Reader) -> Self {
        let listen = reader.parsed(LISTEN, ops::NOWHERE);
        let public_url = reader.optional(PUBLIC_URL).unwrap_or_else(|| format!("http://{listen}"));
        Self {
            listen,
            public_url,
            cursor_secret: reader.optional(CURSOR_SECRET),
            max_evidence_bytes: reader.number(MAX_EVIDENCE_MEGABYTES, 1..=1_000) * 1_000_000,
        }
    }
}
