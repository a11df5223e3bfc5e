//! What every role has: a listener for health and metrics.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use super::{Reader, Variable};

const LISTEN: Variable =
    Variable::with_default("ASSAY_OPS_LISTEN", "127.0.0.1:9090", "where this role answers /livez, /readyz and /metrics");

pub(super) const VARIABLES: &[Variable] = &[LISTEN];

/// Stands in for an address that could not be read.
pub(super) const NOWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// Where operators' machines ask.
#[derive(Debug, Clone)]
pub struct Ops {
    pub listen: SocketAddr,
}

impl Ops {
    pub fn read(reader: &mut Reader) -> Self {
        Self { listen: reader.parsed(LISTEN, NOWHERE) }
    }
}
