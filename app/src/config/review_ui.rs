//! The review desk.

use std::net::SocketAddr;

use review_ui::oidc::Settings;

use super::{Reader, Variable, oidc, ops};

const LISTEN: Variable = Variable::with_default("ASSAY_REVIEW_UI_LISTEN", "127.0.0.1:8081", "where the review desk listens");
const PUBLIC_URL: Variable = Variable::with_default(
    "ASSAY_REVIEW_UI_PUBLIC_URL",
    "",
    "the address under which people reach the desk; with https its cookies travel over TLS only; required with a sign-in provider",
);

pub(super) const VARIABLES: &[Variable] = &[LISTEN, PUBLIC_URL];

/// How the desk is served.
#[derive(Debug, Clone)]
pub struct ReviewUi {
    pub listen: SocketAddr,
    /// Whether people reach it over TLS.
    pub secure: bool,
    /// The organisation's own way to sign in, where there is one.
    pub oidc: Option<Settings>,
}

impl ReviewUi {
    pub fn read(reader: &mut Reader) -> Self {
        let listen = reader.parsed(LISTEN, ops::NOWHERE);
        let mut public = reader.optional(PUBLIC_URL);
        if let Some(text) = public.take_if(|text| !(text.starts_with("https://") || text.starts_with("http://"))) {
            reader.problem(PUBLIC_URL, format!("`{text}` is no address; write it with http:// or https://"));
        }
        Self {
            listen,
            secure: public.as_ref().is_some_and(|public| public.starts_with("https://")),
            oidc: oidc::read(reader, public.as_deref(), PUBLIC_URL),
        }
    }
}
