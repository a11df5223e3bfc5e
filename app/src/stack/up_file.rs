//! What a running stack leaves for others to read: its process, its addresses, its parts. No secrets.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::Stack;
use super::folder::Folder;
use super::secrets::write_private;

/// The content of `up.json`, which is there for as long as the stack is ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UpFile {
    /// The process that holds the stack together.
    pub pid: u32,
    pub urls: BTreeMap<String, String>,
    /// Process id of each part when it became ready; the folder `pids` follows restarts.
    pub parts: BTreeMap<String, i32>,
}

impl UpFile {
    /// Describes a stack.
    pub fn of(stack: &Stack) -> Self {
        Self {
            pid: std::process::id(),
            urls: stack.endpoints().pages().into_iter().collect(),
            parts: stack.parts().iter().filter_map(|part| Some((part.name().to_owned(), part.status().pid?))).collect(),
        }
    }

    /// Reads the folder's, if a stack is ready there.
    pub fn read(folder: &Folder) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(folder.up_file()).ok()?).ok()
    }

    pub(super) fn write(&self, folder: &Folder) -> Result<()> {
        write_private(&folder.up_file(), &serde_json::to_vec_pretty(self)?).context("write up.json")
    }

    pub(super) fn remove(folder: &Folder) {
        for file in [folder.up_file(), folder.environment_file()] {
            // It was never written when the stack did not come up.
            let _ = std::fs::remove_file(file);
        }
    }
}
