//! Pool `workflow`: from words to kinds of document and values of fields.

use serde::{Deserialize, Serialize};
use temporalio_macros::activity_definitions;

use super::{DocumentRef, Work};

/// The files of a verification, read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Understand {
    pub work: Work,
    pub documents: Vec<DocumentRef>,
}

/// How many files were classified, by kind word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classified {
    pub kinds: Vec<String>,
}

/// How many values were found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extracted {
    pub findings: u32,
}

pub struct UnderstandContract;

#[activity_definitions]
impl UnderstandContract {
    /// Tells the kind of each file.
    #[activity(name = "classify.documents")]
    pub async fn classify(request: Understand) -> Classified {
        unimplemented!()
    }

    /// Finds values for the fields of the claim type. Never sees the claim.
    #[activity(name = "extract.fields")]
    pub async fn extract(request: Understand) -> Extracted {
        unimplemented!()
    }
}

pub use understand_contract::{Classify as ClassifyActivity, Extract as ExtractActivity};
