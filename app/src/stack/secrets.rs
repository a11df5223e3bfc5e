//! Passwords and keys of one private stack: made up once, kept in its folder for its owner's eyes only.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use rand::Rng;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};

/// Length of each password. Letters and digits only, so that none needs escaping in a URL or in SQL.
const LENGTH: usize = 40;

/// One password per role of the private PostgreSQL, and the key pair of the object store.
#[derive(Clone, Serialize, Deserialize)]
pub struct Secrets {
    pub database_admin: String,
    pub database_owner: String,
    pub database_service: String,
    pub database_relay: String,
    pub database_temporal: String,
    pub objects_access_key: String,
    pub objects_secret_key: String,
}

impl Secrets {
    /// Reads the folder's secrets, or makes and keeps new ones.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        match std::fs::read(path) {
            Ok(kept) => serde_json::from_slice(&kept).with_context(|| format!("read the secrets in {}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secrets = Self::generate();
                write_private(path, &serde_json::to_vec_pretty(&secrets)?)?;
                Ok(secrets)
            }
            Err(error) => Err(error).with_context(|| format!("read the secrets in {}", path.display())),
        }
    }

    fn generate() -> Self {
        let password = || rand::rng().sample_iter(Alphanumeric).take(LENGTH).map(char::from).collect::<String>();
        Self {
            database_admin: password(),
            database_owner: password(),
            database_service: password(),
            database_relay: password(),
            database_temporal: password(),
            objects_access_key: password()[..20].to_owned(),
            objects_secret_key: password(),
        }
    }
}

/// Writes a file that only its owner can read, whole or not at all.
pub fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    };
    write().with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn secrets_are_made_once_and_readable_by_their_owner_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets.json");
        let first = Secrets::load_or_create(&path).expect("made");
        let second = Secrets::load_or_create(&path).expect("read");
        assert_eq!(first.database_owner, second.database_owner);
        assert_ne!(first.database_owner, first.database_service);
        let mode = std::fs::metadata(&path).expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
