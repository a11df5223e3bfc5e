//! Records the history of every scenario that has none yet; those named on the command line are recorded anew.
//!
//! A history that is recorded anew no longer proves that work which began under the old code goes on under the new: name one only when its
//! workflow type was never released, or record the new path under a new name.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use tests::scripted::Engine;
use tests::{path, record, scenario};

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let anew: Vec<String> = std::env::args().skip(1).collect();
    let scenarios = scenario::all();
    let paths = path::all();
    for name in &anew {
        let known = scenarios.iter().any(|scenario| scenario.name == name) || paths.iter().any(|path| path.name == name);
        ensure!(known, "there is no scenario {name}");
    }
    std::fs::create_dir_all(record::folder())?;
    std::fs::create_dir_all(record::delivery_folder())?;
    let again = |name: &str| anew.iter().any(|one| one == name);
    let missing = |folder: PathBuf, name: &str| !folder.join(format!("{name}.json")).exists();
    let wanted: Vec<_> = scenarios.iter().filter(|scenario| missing(record::folder(), scenario.name) || again(scenario.name)).collect();
    let wanted_paths: Vec<_> = paths.iter().filter(|path| missing(record::delivery_folder(), path.name) || again(path.name)).collect();
    if wanted.is_empty() && wanted_paths.is_empty() {
        println!("every scenario has its history; name those to record anew");
        return Ok(ExitCode::SUCCESS);
    }
    let engine = Engine::start().await?;
    for scenario in wanted {
        println!("{}", record::record(&engine, scenario).await?.display());
    }
    for path in wanted_paths {
        println!("{}", record::record_delivery(&engine, path).await?.display());
    }
    engine.stop().await?;
    Ok(ExitCode::SUCCESS)
}
