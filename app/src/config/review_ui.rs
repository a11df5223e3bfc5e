//! The review desk.

use std::net::SocketAddr;

use super::{Reader, Variable, ops};

const LISTEN: Variable = Variable::with_default("ASSAY_REVIEW_UI_LISTEN", "127.0.0.1:8081", "where the review desk listens");
const PUBLIC_URL: Variable = Variable::with_default(
    "ASSAY_REVIEW_UI_PUBLIC_URL",
    "",
    "the address under which people reach the desk; with https its cookies travel over TLS only",
);

pub(super) const VARIABLES: &[Variable] = &[LISTEN, PUBLIC_URL];

/// How the desk is served.
#[derive(Debug, Clone)]
pub struct ReviewUi {
    pub listen: SocketAddr,
    /// Whether people reach it over TLS.
    pub secure: bool,
}

impl ReviewUi {
    pub fn read(reader: &mut Reader) -> Self {
        let listen = reader.parsed(LISTEN, ops::NOWHERE);
        let public = reader.optional(PUBLIC_URL).unwrap_or_default();
        if !(public.is_empty() || public.starts_with("https://") || public.starts_with("http://")) {
            reader.problem(PUBLIC_URL, format!("`{public}` is no address; write it with http:// or https://"));
        }
        Self { listen, secure: public.starts_with("https://") }
    }
}
