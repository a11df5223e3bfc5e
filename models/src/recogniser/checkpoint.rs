//! A training that was interrupted: weights, running statistics, the optimiser's averages and the place in the schedule, in one file that is replaced as a whole.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use safetensors::tensor::SafeTensors;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::net::Net;
use super::optimiser::AdamW;
use super::score::Score;
use super::weights::{Numbers, WeightsError, fill, numbers, write};

const FILE: &str = "training.safetensors";
const PROGRESS: &str = "progress";

/// Why a training cannot be kept or taken up.
#[derive(Debug, Error)]
pub enum CheckpointError {
    #[error("make the folder {folder}")]
    Folder { folder: PathBuf, source: std::io::Error },
    #[error("keep or read the training's state")]
    State(#[source] WeightsError),
    #[error("the checkpoint's progress cannot be read")]
    Progress(#[source] serde_json::Error),
    #[error("the checkpoint in {folder} is of another training: its {what} differ; give another folder, or the old options")]
    Other { folder: PathBuf, what: &'static str },
}

/// What makes two trainings the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    pub seed: u64,
    pub epochs: usize,
    pub hold_out: f64,
    /// Hash of the data.
    pub data: String,
}

/// How an epoch went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Mean loss of a symbol in nats, over the training lines.
    pub loss: f64,
    pub held_out: Score,
}

/// Where a training stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    pub identity: Identity,
    /// Steps of the running epoch that are done.
    pub step: usize,
    /// Sum of the running epoch's losses, and over how many lines.
    pub loss: f64,
    pub lines: usize,
    pub optimiser_steps: u64,
    /// Epochs that are done.
    pub epochs: Vec<Epoch>,
}

impl Progress {
    pub fn new(identity: Identity) -> Self {
        Self { identity, step: 0, loss: 0.0, lines: 0, optimiser_steps: 0, epochs: Vec::new() }
    }
}

/// Writes everything into the folder, which is made if need be.
pub fn save(folder: &Path, net: &Net, optimiser: &AdamW, progress: &Progress) -> Result<(), CheckpointError> {
    std::fs::create_dir_all(folder).map_err(|source| CheckpointError::Folder { folder: folder.to_owned(), source })?;
    let failed = |error| CheckpointError::State(WeightsError::Tensor(error));
    let mut tensors: BTreeMap<String, Numbers> = BTreeMap::new();
    for (place, (name, var)) in net.trained().into_iter().enumerate() {
        let averages = [(first(&name), &optimiser.first[place]), (second(&name), &optimiser.second[place])];
        for (name, average) in averages {
            let bytes = average.iter().flat_map(|number| number.to_le_bytes()).collect();
            tensors.insert(name, Numbers { shape: var.dims().to_vec(), bytes });
        }
        tensors.insert(name, numbers(var).map_err(failed)?);
    }
    for (name, var) in net.running() {
        tensors.insert(name, numbers(var).map_err(failed)?);
    }
    let text = serde_json::to_string(progress).map_err(CheckpointError::Progress)?;
    write(&folder.join(FILE), &tensors, HashMap::from([(PROGRESS.to_owned(), text)])).map_err(CheckpointError::State)
}

/// Brings net and optimiser to where the folder's training stands. None where the folder holds none.
pub fn load(folder: &Path, identity: &Identity, net: &Net, optimiser: &mut AdamW) -> Result<Option<Progress>, CheckpointError> {
    let file = folder.join(FILE);
    let bytes = match std::fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(CheckpointError::State(WeightsError::Read { file, source })),
    };
    let broken = |error| CheckpointError::State(WeightsError::Format(error));
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(broken)?;
    let text = header.metadata().as_ref().and_then(|metadata| metadata.get(PROGRESS)).map(String::as_str).unwrap_or_default();
    let progress: Progress = serde_json::from_str(text).map_err(CheckpointError::Progress)?;
    if let Some(what) = difference(&progress.identity, identity) {
        return Err(CheckpointError::Other { folder: folder.to_owned(), what });
    }
    let tensors = SafeTensors::deserialize(&bytes).map_err(broken)?;
    let tensor = |name: &str| tensors.tensor(name).map_err(|_| CheckpointError::State(WeightsError::Missing(name.to_owned())));
    for (name, var) in net.trained().into_iter().chain(net.running()) {
        fill(var, &name, &tensor(&name)?).map_err(CheckpointError::State)?;
    }
    for (place, (name, _)) in net.trained().into_iter().enumerate() {
        for (name, average) in [(first(&name), &mut optimiser.first[place]), (second(&name), &mut optimiser.second[place])] {
            let stored = tensor(&name)?;
            if stored.data().len() != average.len() * size_of::<f32>() {
                return Err(CheckpointError::State(WeightsError::Shape { name, shape: stored.shape().to_vec() }));
            }
            let numbers = stored.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            average.iter_mut().zip(numbers).for_each(|(into, number)| *into = number);
        }
    }
    optimiser.steps = progress.optimiser_steps;
    Ok(Some(progress))
}

fn difference(stored: &Identity, wanted: &Identity) -> Option<&'static str> {
    let checks = [
        (stored.data == wanted.data, "data"),
        (stored.seed == wanted.seed, "seeds"),
        (stored.epochs == wanted.epochs, "numbers of epochs"),
        (stored.hold_out == wanted.hold_out, "held-out shares"),
    ];
    checks.into_iter().find(|(same, _)| !same).map(|(_, what)| what)
}

fn first(name: &str) -> String {
    format!("first.{name}")
}

fn second(name: &str) -> String {
    format!("second.{name}")
}
