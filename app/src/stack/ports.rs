//! One block of loopback ports per stack, remembered in its folder so that addresses survive a restart.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;

use anyhow::{Context, Result, bail};
use rand::Rng;

/// How many ports a stack takes, one after another.
const BLOCK: u16 = 26;
/// Where blocks are looked for when none was asked for.
const LOWEST: u16 = 20_000;
/// Above this the kernel may hand ports to outgoing connections (the usual default starts at 32768).
const HIGHEST: u16 = 32_000;
/// Worker processes that have a port for their health pages.
pub const MAX_WORKERS: u16 = 8;

/// Which ports a stack wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wish {
    /// The block that starts here, or none.
    Exactly(u16),
    /// The remembered block, else the one that starts here, else any.
    Preferably(u16),
    /// The remembered block, else any.
    #[default]
    Any,
}

/// The ports of one stack. Each part has a fixed place in the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    base: u16,
}

impl Ports {
    /// A free block that meets the wish, remembered in the file `memory`.
    ///
    /// Any free block is one below the kernel's ephemeral range: a client that keeps dialling a dead part
    /// inside that range can end up connected to itself, and then the part cannot bind any more.
    pub fn choose(wish: Wish, memory: &Path) -> Result<Self> {
        let free = |ports: &Self| ports.first_taken().is_none();
        let ports = match wish {
            Wish::Exactly(base) => {
                let Some(ports) = Self::at(base) else { bail!("port base {base} leaves no room for {BLOCK} ports") };
                if let Some(taken) = ports.first_taken() {
                    bail!("port {taken} is in use; a stack at port base {base} needs {base} to {}", base + BLOCK - 1);
                }
                Some(ports)
            }
            Wish::Preferably(base) => remembered(memory).filter(free).or_else(|| Self::at(base).filter(free)),
            Wish::Any => remembered(memory).filter(free),
        };
        let ports = ports.map_or_else(any_free, Ok)?;
        std::fs::write(memory, format!("{}\n", ports.base)).with_context(|| format!("remember the ports in {}", memory.display()))?;
        Ok(ports)
    }

    pub(super) fn gateway(self) -> u16 {
        self.base
    }
    pub(super) fn review_ui(self) -> u16 {
        self.base + 1
    }
    pub(super) fn temporal_ui(self) -> u16 {
        self.base + 2
    }
    pub(super) fn objects(self) -> u16 {
        self.base + 3
    }
    pub(super) fn postgres(self) -> u16 {
        self.base + 4
    }
    pub(super) fn temporal(self) -> u16 {
        self.base + 5
    }
    pub(super) fn temporal_http(self) -> u16 {
        self.base + 6
    }
    pub(super) fn temporal_metrics(self) -> u16 {
        self.base + 7
    }
    /// gRPC ports of the services behind the front: history, matching, worker.
    pub(super) fn temporal_services(self) -> [u16; 3] {
        [self.base + 8, self.base + 9, self.base + 10]
    }
    /// Membership ports: frontend, history, matching, worker.
    pub(super) fn temporal_membership(self) -> [u16; 4] {
        [self.base + 11, self.base + 12, self.base + 13, self.base + 14]
    }
    pub(super) fn gateway_ops(self) -> u16 {
        self.base + 15
    }
    pub(super) fn review_ui_ops(self) -> u16 {
        self.base + 16
    }
    /// Health pages of the worker process number `index`, counted from 0 to [`MAX_WORKERS`] - 1.
    pub(super) fn worker_ops(self, index: u16) -> u16 {
        self.base + 17 + index.min(MAX_WORKERS - 1)
    }

    fn at(base: u16) -> Option<Self> {
        (base <= u16::MAX - BLOCK).then_some(Self { base })
    }

    fn first_taken(self) -> Option<u16> {
        (self.base..self.base + BLOCK).find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_err())
    }
}

fn remembered(memory: &Path) -> Option<Ports> {
    Ports::at(std::fs::read_to_string(memory).ok()?.trim().parse().ok()?)
}

fn any_free() -> Result<Ports> {
    // A random start keeps two stacks that start at the same moment from looking at the same block.
    let blocks = (HIGHEST - LOWEST) / BLOCK;
    let first = rand::rng().random_range(0..blocks);
    (0..blocks)
        .map(|step| Ports { base: LOWEST + ((first + step) % blocks) * BLOCK })
        .find(|ports| ports.first_taken().is_none())
        .with_context(|| format!("no {BLOCK} free ports in a row between {LOWEST} and {HIGHEST}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_ports_while_they_are_free() {
        let folder = tempfile::tempdir().expect("a folder");
        let memory = folder.path().join("ports");
        let first = Ports::choose(Wish::Any, &memory).expect("ports");
        assert_eq!(Ports::choose(Wish::Any, &memory).expect("ports again"), first);

        let _squatter = TcpListener::bind((Ipv4Addr::LOCALHOST, first.gateway())).expect("bind");
        assert_ne!(Ports::choose(Wish::Any, &memory).expect("other ports"), first);
    }

    #[test]
    fn a_wanted_port_in_use_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let squatter = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        let port = squatter.local_addr().expect("address").port();
        let base = port.min(u16::MAX - BLOCK);
        let error = Ports::choose(Wish::Exactly(base), &folder.path().join("ports")).expect_err("the port is taken");
        assert!(error.to_string().contains("is in use"), "{error}");
    }

    #[test]
    fn no_two_parts_share_a_port() {
        let ports = Ports { base: 20_000 };
        let mut all = vec![
            ports.gateway(),
            ports.review_ui(),
            ports.temporal_ui(),
            ports.objects(),
            ports.postgres(),
            ports.temporal(),
            ports.temporal_http(),
            ports.temporal_metrics(),
            ports.gateway_ops(),
            ports.review_ui_ops(),
        ];
        all.extend(ports.temporal_services());
        all.extend(ports.temporal_membership());
        all.extend((0..MAX_WORKERS).map(|index| ports.worker_ops(index)));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|port| (20_000..20_000 + BLOCK).contains(port)));
    }
}
