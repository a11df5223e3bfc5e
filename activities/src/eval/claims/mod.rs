//! Generated claims: what is claimed of each labelled document, what the judge says of it, and how far to believe that.
//! Made in memory from the labels with a fixed seed, and never kept.

mod blank;
mod fit;
mod make;
mod near;
mod picture;
mod printed;
mod report;
mod score;
mod table;
mod trial;

use std::collections::BTreeMap;

use domain::claim::FieldValue;
use domain::document::{Classification, Findings};

pub use blank::without_values;
pub use fit::Fitted;
pub use make::make;
pub use picture::picture;
pub use report::{ClaimsReport, report};

use trial::{Trial, judged};

/// What sort of claim it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The label, spelt otherwise.
    True,
    /// Almost the label; the word says how it was changed.
    Near(&'static str),
    /// Day and month change places, where that is a date too: a row of its own, since the document may be read both ways.
    SwappedDay,
    /// The value of another issuer's document.
    Far,
    /// The label, while the value is gone from the page.
    Blanked,
    /// All labels of another issuer's document.
    WrongDocument,
}

impl Kind {
    /// The word for the report.
    pub fn word(self) -> String {
        match self {
            Self::True => "true".to_owned(),
            Self::Near(how) => format!("near-false: {how}"),
            Self::SwappedDay => "day and month swapped".to_owned(),
            Self::Far => "far-false".to_owned(),
            Self::Blanked => "unanswerable".to_owned(),
            Self::WrongDocument => "wrong document".to_owned(),
        }
    }

    /// Whether the document contradicts it. A blanked value is neither shown nor contradicted.
    pub fn is_false(self) -> bool {
        matches!(self, Self::Near(_) | Self::SwappedDay | Self::Far | Self::WrongDocument)
    }
}

/// One claim about one document.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The document, by its place in the set.
    pub item: usize,
    pub kind: Kind,
    pub fields: BTreeMap<String, FieldValue>,
}

impl Generated {
    /// The claimed field, where it is one alone.
    pub fn field(&self) -> Option<&str> {
        match (self.fields.len(), self.fields.keys().next()) {
            (1, Some(field)) => Some(field),
            _ => None,
        }
    }
}

/// What the stages found in one document.
#[derive(Debug)]
pub struct Understood {
    pub classification: Classification,
    pub findings: Findings,
    /// By field: what they find once that field's value is gone from the page.
    pub blanked: BTreeMap<String, Findings>,
}

impl Understood {
    /// What the claim is held against.
    pub fn findings_for(&self, claim: &Generated) -> &Findings {
        let blanked = claim.field().filter(|_| claim.kind == Kind::Blanked).and_then(|field| self.blanked.get(field));
        blanked.unwrap_or(&self.findings)
    }
}
