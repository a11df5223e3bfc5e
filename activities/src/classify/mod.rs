//! Classify: what kind of document a file is.

mod rules;

use domain::block::PageWords;
use domain::document::DocumentKind;

pub use rules::RulesClassifier;

/// Tells the kind of a document. The rules here and trained models stand behind the same trait.
pub trait Classifier: Send + Sync {
    /// Engine and version, for the route.
    fn name(&self) -> &str;
    /// Whether the scores are calibrated probabilities.
    fn calibrated(&self) -> bool;
    /// The kind and how sure it is, 0..=1, from the pages of one file.
    fn classify(&self, pages: &[PageWords]) -> (DocumentKind, f64);
}
