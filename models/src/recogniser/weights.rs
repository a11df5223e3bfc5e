//! The weights' file: safetensors whose metadata say which symbols the net knows, how it was made, from which data, and how well it read what it never saw.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, Var};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::alphabet::{Alphabet, AlphabetError};
use super::net::Net;
use super::score::Score;

/// Names the layout of the net; a change of the net changes it.
pub const FORMAT: &str = "assay-recogniser-1";

/// Why weights cannot be read or written.
#[derive(Debug, Error)]
pub enum WeightsError {
    #[error("read {file}")]
    Read { file: PathBuf, source: std::io::Error },
    #[error("write {file}")]
    Write { file: PathBuf, source: std::io::Error },
    #[error("the file is no safetensors")]
    Format(#[source] safetensors::SafeTensorError),
    #[error("the file's metadata lack `{0}`, or it is no {FORMAT}")]
    Metadata(&'static str),
    #[error("the file's symbols are no alphabet")]
    Alphabet(#[source] AlphabetError),
    #[error("the tensor {0} is missing")]
    Missing(String),
    #[error("the tensor {0} belongs to no {FORMAT}")]
    Extra(String),
    #[error("the tensor {name} has the wrong shape, {shape:?}, or type")]
    Shape { name: String, shape: Vec<usize> },
    #[error("put the weights into the net")]
    Tensor(#[source] candle_core::Error),
}

/// How weights came to be, and what they are worth.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// The command line that made them.
    pub command: String,
    pub seed: u64,
    /// Hash of the training data.
    pub data: String,
    pub epochs: usize,
    /// Share of the documents that was held out.
    pub hold_out: f64,
    /// When the training ended, ISO 8601.
    pub date: String,
    /// Documents, issuers and the score of what was held out.
    pub held_out: HeldOut,
}

/// A score on documents of issuers that training never saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    pub documents: usize,
    pub issuers: usize,
    pub score: Score,
}

/// Writes a net's weights in F32 with their metadata; a file is either whole or not there.
pub fn save(file: &Path, net: &Net, alphabet: &Alphabet, origin: &Origin) -> Result<(), WeightsError> {
    let tensors = net.trained().into_iter().chain(net.running());
    let tensors =
        tensors.map(|(name, var)| Ok((name, numbers(var)?))).collect::<Result<BTreeMap<_, _>, _>>().map_err(WeightsError::Tensor)?;
    let held_out = serde_json::to_string(&origin.held_out).unwrap_or_default();
    let metadata = HashMap::from([
        ("format".to_owned(), FORMAT.to_owned()),
        ("alphabet".to_owned(), alphabet.stored()),
        ("command".to_owned(), origin.command.clone()),
        ("seed".to_owned(), origin.seed.to_string()),
        ("data".to_owned(), origin.data.clone()),
        ("epochs".to_owned(), origin.epochs.to_string()),
        ("hold_out".to_owned(), origin.hold_out.to_string()),
        ("date".to_owned(), origin.date.clone()),
        ("held_out".to_owned(), held_out),
        ("character_error".to_owned(), format!("{:.4}", origin.held_out.score.character_error())),
        ("whole_lines".to_owned(), format!("{:.4}", origin.held_out.score.whole_lines())),
    ]);
    write(file, &tensors, metadata)
}

/// A net with its symbols and its origin.
pub fn load(bytes: &[u8], device: &Device) -> Result<(Net, Alphabet, Origin), WeightsError> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(WeightsError::Format)?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let field = |name: &'static str| metadata.get(name).ok_or(WeightsError::Metadata(name));
    if field("format")? != FORMAT {
        return Err(WeightsError::Metadata("format"));
    }
    let alphabet = Alphabet::parse(field("alphabet")?).map_err(WeightsError::Alphabet)?;
    let origin = Origin {
        command: field("command")?.clone(),
        seed: field("seed")?.parse().map_err(|_| WeightsError::Metadata("seed"))?,
        data: field("data")?.clone(),
        epochs: field("epochs")?.parse().map_err(|_| WeightsError::Metadata("epochs"))?,
        hold_out: field("hold_out")?.parse().map_err(|_| WeightsError::Metadata("hold_out"))?,
        date: field("date")?.clone(),
        held_out: serde_json::from_str(field("held_out")?).map_err(|_| WeightsError::Metadata("held_out"))?,
    };
    // The seed is of no matter: every number is replaced, or the file is refused.
    let net = Net::new(alphabet.len(), 0, device).map_err(WeightsError::Tensor)?;
    let file = SafeTensors::deserialize(bytes).map_err(WeightsError::Format)?;
    let mut given: BTreeMap<String, TensorView<'_>> = file.tensors().into_iter().collect();
    for (name, var) in net.trained().into_iter().chain(net.running()) {
        let tensor = given.remove(&name).ok_or_else(|| WeightsError::Missing(name.clone()))?;
        fill(var, &name, &tensor)?;
    }
    match given.into_keys().next() {
        Some(name) => Err(WeightsError::Extra(name)),
        None => Ok((net, alphabet, origin)),
    }
}

/// Writes tensors beside `file` and then moves them into its place, on the disk before the old ones go.
pub(super) fn write(file: &Path, tensors: &BTreeMap<String, Numbers>, metadata: HashMap<String, String>) -> Result<(), WeightsError> {
    let views = tensors.iter().map(|(name, numbers)| {
        let view = TensorView::new(Dtype::F32, numbers.shape.clone(), &numbers.bytes)?;
        Ok((name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>, _>>().map_err(WeightsError::Format)?;
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(WeightsError::Format)?;
    let partial = file.with_extension("partial");
    let store = || {
        let mut handle = std::fs::File::create(&partial)?;
        handle.write_all(&bytes)?;
        handle.sync_all()?;
        std::fs::rename(&partial, file)
    };
    store().map_err(|source| WeightsError::Write { file: file.to_owned(), source })
}

/// A tensor's numbers in the form of the file.
pub(super) struct Numbers {
    pub shape: Vec<usize>,
    pub bytes: Vec<u8>,
}

pub(super) fn numbers(tensor: &Tensor) -> candle_core::Result<Numbers> {
    let flat = tensor.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
    Ok(Numbers { shape: tensor.dims().to_vec(), bytes: flat.iter().flat_map(|number| number.to_le_bytes()).collect() })
}

/// Sets a variable from a file's tensor of the same shape, F32 or F16.
pub(super) fn fill(var: &Var, name: &str, tensor: &TensorView<'_>) -> Result<(), WeightsError> {
    let dtype = match tensor.dtype() {
        Dtype::F32 => Some(DType::F32),
        Dtype::F16 => Some(DType::F16),
        _ => None,
    };
    let fits = tensor.shape() == var.dims();
    let Some(dtype) = dtype.filter(|_| fits) else {
        return Err(WeightsError::Shape { name: name.to_owned(), shape: tensor.shape().to_vec() });
    };
    let set = || var.set(&Tensor::from_raw_buffer(tensor.data(), dtype, tensor.shape(), var.device())?.to_dtype(DType::F32)?);
    set().map_err(WeightsError::Tensor)
}
