//! What a model has to know to be served; the line recogniser is one, an embedder would be another.

use std::error::Error;
use std::sync::Arc;

/// Why a model could not be loaded or run. Shared, because one fault may be the answer to several callers.
pub type Fault = Arc<dyn Error + Send + Sync>;

/// A model for serving. It is shared between threads; what it loads lives and dies on the thread that owns it, and never meets an async
/// runtime.
pub trait Backend: Send + Sync + 'static {
    /// One caller's item as the net reads it. Cutting and tokenising come before the queue, on the caller's thread, and so does finding out
    /// that an item is broken.
    type Input: Send + 'static;
    type Output: Send + 'static;
    /// Weights in memory. Not `Send`: made, used and dropped on one thread.
    type Model;
    /// A batch in the form that the model takes, filled up to its longest item.
    type Packed: Send + 'static;

    /// Makes the model. Called at the start, and again after a panic, which may have left the old one in any state.
    fn load(&self) -> Result<Self::Model, Fault>;

    /// Length of an item along the axis that a batch fills up: columns of pixels, tokens. It is the item's cost, and its shape.
    fn length(&self, input: &Self::Input) -> usize;

    /// Makes a batch ready, longest item first, while the one before it runs.
    fn pack(&self, inputs: &[&Self::Input]) -> Result<Self::Packed, Fault>;

    /// Runs a batch: one output per input, in their order.
    fn run(&self, model: &mut Self::Model, packed: Self::Packed) -> Result<Vec<Self::Output>, Fault>;

    /// Items for the forward passes that precede readiness, each run alone: they fault in memory and pick kernels before the first caller
    /// pays for it.
    fn warm_up(&self) -> Vec<Self::Input>;
}
