//! The folder of one stack: where each thing lies in it, and the lock that lets one process own it.

use std::fs::{DirBuilder, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A stack's folder. It can be entered by others (PostgreSQL may run as another user) but not listed.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

/// Held for as long as a stack runs; the kernel lets go of it whatever way the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Folder {
    pub fn create(root: &Path) -> Result<Self> {
        let make = |path: &Path, mode| {
            DirBuilder::new().recursive(true).mode(mode).create(path).with_context(|| format!("create {}", path.display()))
        };
        make(root, 0o711)?;
        let root = root.canonicalize().with_context(|| format!("find {}", root.display()))?;
        let folder = Self { root };
        for inner in [folder.logs(), folder.pids(), folder.config(), folder.objects()] {
            make(&inner, 0o700)?;
        }
        Ok(folder)
    }

    /// A folder as it is, for looking at a stack that another process runs.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Takes the folder, or returns `None` when another process has it.
    pub fn lock(&self) -> Result<Option<Lock>> {
        let path = self.root.join("lock");
        // Not truncated yet: what is in there is the owner's number, if there is an owner.
        let file =
            File::options().create(true).truncate(false).write(true).open(&path).with_context(|| format!("open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)
                    .and_then(|()| writeln!(&file, "{}", std::process::id()))
                    .with_context(|| format!("write {}", path.display()))?;
                Ok(Some(Lock { _file: file }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", path.display())),
        }
    }

    /// The process that took the folder last; it has it still if the lock is taken.
    pub fn owner(&self) -> Option<i32> {
        std::fs::read_to_string(self.root.join("lock")).ok()?.trim().parse().ok()
    }

    pub fn root(&self) -> &Path {
        &self.root
    }
    /// One log file per part.
    pub fn logs(&self) -> PathBuf {
        self.root.join("logs")
    }
    /// What happened to the parts: which ended, how, and when it was started again.
    pub fn supervisor_log(&self) -> PathBuf {
        self.logs().join("supervisor.log")
    }
    /// One file per running part, so that a later start can clear what a crash left behind.
    pub fn pids(&self) -> PathBuf {
        self.root.join("pids")
    }
    /// Configuration files written for the parts.
    pub fn config(&self) -> PathBuf {
        self.root.join("config")
    }
    pub fn objects(&self) -> PathBuf {
        self.root.join("objects")
    }
    /// The PostgreSQL cluster, or a link to it where the cluster's user cannot reach this folder.
    pub fn postgres(&self) -> PathBuf {
        self.root.join("postgres")
    }
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets.json")
    }
    pub fn ports(&self) -> PathBuf {
        self.root.join("ports")
    }
    /// Addresses and process ids of the running stack.
    pub fn up_file(&self) -> PathBuf {
        self.root.join("up.json")
    }
    /// Every variable that a role reads, ready for `set -a; . assay.env`.
    pub fn environment_file(&self) -> PathBuf {
        self.root.join("assay.env")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_owner_is_refused_until_the_first_lets_go() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = Folder::create(&scratch.path().join("run")).expect("created");
        let first = folder.lock().expect("lock");
        assert!(first.is_some());
        assert!(folder.lock().expect("try").is_none());
        assert_eq!(folder.owner(), Some(std::process::id() as i32));
        drop(first);
        assert!(folder.lock().expect("lock again").is_some());
    }
}
