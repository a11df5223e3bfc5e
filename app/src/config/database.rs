//! PostgreSQL. Connections are not encrypted by Assay: put them on a private network or behind a local proxy.

use super::{Reader, Variable};

const URL: Variable = Variable::required(
    "ASSAY_DATABASE_URL",
    "the PostgreSQL address of the role that serves tenants, `postgres://assay_service:...@host/assay`",
)
.secret();
const RELAY_URL: Variable = Variable::required(
    "ASSAY_DATABASE_RELAY_URL",
    "the PostgreSQL address of the role for background work across tenants, `postgres://assay_relay:...@host/assay`",
)
.secret();
const OWNER_URL: Variable = Variable::with_default(
    "ASSAY_DATABASE_OWNER_URL",
    "",
    "the PostgreSQL address of the role that owns the tables; only `assay migrate` reads it",
)
.secret();
const POOL_SIZE: Variable = Variable::with_default(
    "ASSAY_DATABASE_POOL_SIZE",
    "10",
    "most connections of one process for tenants' work; background work takes 3 more",
);

pub(super) const VARIABLES: &[Variable] = &[URL, RELAY_URL, OWNER_URL, POOL_SIZE];

/// How a role reaches PostgreSQL.
#[derive(Clone)]
pub struct Database {
    pub url: String,
    pub relay_url: String,
    pub pool_size: usize,
}

impl Database {
    pub fn read(reader: &mut Reader) -> Self {
        let url = reader.url(URL, &["postgres", "postgresql"]);
        let relay_url = reader.url(RELAY_URL, &["postgres", "postgresql"]);
        Self { url, relay_url, pool_size: usize::try_from(reader.number(POOL_SIZE, 1..=200)).unwrap_or(10) }
    }

    /// The owner's address, for `assay migrate` alone.
    pub fn read_owner(reader: &mut Reader) -> String {
        reader.url(Variable { default: None, ..OWNER_URL }, &["postgres", "postgresql"])
    }
}
