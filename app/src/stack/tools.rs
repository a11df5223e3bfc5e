//! Where the programs are that the stack runs: the tools that `make setup` built, and PostgreSQL.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The file that names every version, so that the binary looks for exactly what the set-up built.
const VERSIONS: &str = include_str!("../../../versions.env");

/// Paths of everything the stack starts that is not Assay itself.
#[derive(Clone, Debug)]
pub struct Tools {
    pub temporal_server: PathBuf,
    pub temporal_sql_tool: PathBuf,
    pub temporal_ui_server: PathBuf,
    pub versitygw: PathBuf,
    /// The folder that holds `postgres` and `initdb`.
    pub postgres_bin: PathBuf,
}

impl Tools {
    /// Finds them all, or names everything that is missing at once.
    pub fn find() -> Result<Self> {
        let mut missing = Vec::new();
        let folder = cache_folder()?.join("tools");
        let server = version("TEMPORAL_SERVER_VERSION")?;
        let tools = Self {
            temporal_server: tool(&folder, "temporal-server", server, &mut missing),
            temporal_sql_tool: tool(&folder, "temporal-sql-tool", server, &mut missing),
            temporal_ui_server: tool(&folder, "temporal-ui-server", version("TEMPORAL_UI_VERSION")?, &mut missing),
            versitygw: tool(&folder, "versitygw", version("VERSITYGW_VERSION")?, &mut missing),
            postgres_bin: postgres_bin(version("POSTGRES_MIN_MAJOR")?.parse()?).unwrap_or_else(|| {
                missing.push("PostgreSQL (initdb, postgres)".to_owned());
                PathBuf::new()
            }),
        };
        if !missing.is_empty() {
            bail!("missing: {}. Run `make setup`, which installs or builds them.", missing.join(", "));
        }
        Ok(tools)
    }
}

/// The value of one line of `versions.env`.
pub fn version(name: &str) -> Result<&'static str> {
    VERSIONS.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).with_context(|| format!("versions.env has no {name}"))
}

/// The user's cache folder for Assay, by the same rule as `scripts/setup.sh`.
pub fn cache_folder() -> Result<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(folder) = named("ASSAY_CACHE") {
        return Ok(folder);
    }
    named("XDG_CACHE_HOME")
        .or_else(|| named("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("assay"))
        .context("none of ASSAY_CACHE, XDG_CACHE_HOME and HOME is set, so the built tools cannot be found")
}

fn tool(folder: &Path, name: &str, version: &str, missing: &mut Vec<String>) -> PathBuf {
    let path = folder.join(format!("{name}-{version}"));
    if !path.is_file() {
        missing.push(format!("{name} {version}"));
    }
    path
}

/// The newest PostgreSQL of at least `min_major`: distributions keep several beside each other and put
/// `initdb` on no path.
fn postgres_bin(min_major: u32) -> Option<PathBuf> {
    let packaged = std::fs::read_dir("/usr/lib/postgresql").ok().into_iter().flatten().flatten().filter_map(|entry| {
        let major: u32 = entry.file_name().to_str()?.split('.').next()?.parse().ok()?;
        Some((major, entry.path().join("bin")))
    });
    let newest = packaged.filter(|(major, bin)| *major >= min_major && holds_postgres(bin)).max();
    newest.map(|(_, bin)| bin).or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| holds_postgres(folder))
    })
}

fn holds_postgres(bin: &Path) -> bool {
    bin.join("postgres").is_file() && bin.join("initdb").is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_the_stack_asks_for_is_in_the_file() {
        for name in ["TEMPORAL_SERVER_VERSION", "TEMPORAL_UI_VERSION", "VERSITYGW_VERSION", "POSTGRES_MIN_MAJOR"] {
            assert!(version(name).is_ok_and(|value| !value.is_empty()), "{name}");
        }
        assert!(version("NO_SUCH_VERSION").is_err());
    }
}
