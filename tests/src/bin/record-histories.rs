//! Records the history of every scenario that has none yet; those named on the command line are recorded anew.
//!
//! A history that is recorded anew no longer proves that work which began under the old code goes on under the new: name one only when its
//! workflow type was never released, or record the new path under a new name.

use std::process::ExitCode;

use anyhow::{Result, ensure};
use tests::scripted::Engine;
use tests::{record, scenario};

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let anew: Vec<String> = std::env::args().skip(1).collect();
    let scenarios = scenario::all();
    for name in &anew {
        ensure!(scenarios.iter().any(|scenario| scenario.name == name), "there is no scenario {name}");
    }
    std::fs::create_dir_all(record::folder())?;
    let missing = |name: &str| !record::folder().join(format!("{name}.json")).exists();
    let wanted: Vec<_> =
        scenarios.iter().filter(|scenario| missing(scenario.name) || anew.iter().any(|name| name == scenario.name)).collect();
    if wanted.is_empty() {
        println!("every scenario has its history; name those to record anew");
        return Ok(ExitCode::SUCCESS);
    }
    let engine = Engine::start().await?;
    for scenario in wanted {
        println!("{}", record::record(&engine, scenario).await?.display());
    }
    engine.stop().await?;
    Ok(ExitCode::SUCCESS)
}
