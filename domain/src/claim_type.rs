//! Claim types: which fields a claim has, of which kind, and how they are compared. Data, not code.

use serde::{Deserialize, Serialize};

use crate::document::DocumentKind;

/// What kind of value a field holds; decides how it is read and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Money,
    Date,
    Name,
    Identifier,
    Address,
    Quantity,
    Text,
    /// Free text held against text evidence; needs an entailment model.
    Statement,
    /// A statement held against an image; needs an image-text model.
    Photo,
}

/// One field of a claim type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldSpec {
    pub name: String,
    pub title: String,
    pub kind: FieldKind,
    pub required: bool,
    /// Whether the evidence must show it. A field that is only carried along (a category of the client's own) is not checked.
    #[serde(default = "yes")]
    pub checked: bool,
    /// The score, 0..=1, from which a reading may support or refute by itself.
    pub threshold: f64,
}

fn yes() -> bool {
    true
}

/// A versioned schema of a claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClaimType {
    pub name: String,
    pub version: u32,
    pub title: String,
    /// Kinds of document that can carry such a claim; any when empty.
    #[serde(default)]
    pub documents: Vec<DocumentKind>,
    pub fields: Vec<FieldSpec>,
    /// Why a person may refute a field of such a claim.
    #[serde(default = "usual_reasons")]
    pub reasons: Vec<ReasonCode>,
}

/// Why a person refutes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonCode {
    /// The stable word that a decision carries.
    pub code: String,
    pub title: String,
}

fn usual_reasons() -> Vec<ReasonCode> {
    let reasons = [
        ("different_value", "The evidence shows another value"),
        ("altered", "The evidence was altered"),
        ("another_matter", "The evidence is about something else"),
        ("out_of_policy", "The claim is against the rules"),
        ("other", "Another reason, see the note"),
    ];
    reasons.into_iter().map(|(code, title)| ReasonCode { code: code.to_owned(), title: title.to_owned() }).collect()
}

impl ClaimType {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&FieldSpec> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// The claim types that every tenant has, from the JSON files beside the crate.
///
/// # Panics
/// Never in a released build: a test reads every file.
pub fn built_in() -> Vec<ClaimType> {
    [
        include_str!("../claim_types/expense_receipt.json"),
        include_str!("../claim_types/invoice.json"),
        include_str!("../claim_types/statement.json"),
        include_str!("../claim_types/photo.json"),
    ]
    .into_iter()
    .filter_map(|text| serde_json::from_str(text).ok())
    .collect()
}

/// The newest built-in type of that name.
pub fn find(name: &str) -> Option<ClaimType> {
    built_in().into_iter().filter(|claim_type| claim_type.name == name).max_by_key(|claim_type| claim_type.version)
}

/// The type under which a claim was accepted. Old versions stay built in beside new ones, for what is still under way.
pub fn find_version(name: &str, version: u32) -> Option<ClaimType> {
    built_in().into_iter().find(|claim_type| claim_type.name == name && claim_type.version == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_type_is_read() {
        let names: Vec<String> = built_in().into_iter().map(|claim_type| claim_type.name).collect();
        assert_eq!(names, ["expense_receipt", "invoice", "statement", "photo"]);
    }

    #[test]
    fn field_names_are_unique_and_thresholds_are_probabilities() {
        for claim_type in built_in() {
            let mut names: Vec<&str> = claim_type.fields.iter().map(|field| field.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), claim_type.fields.len(), "{}", claim_type.name);
            assert!(claim_type.fields.iter().all(|field| (0.0..=1.0).contains(&field.threshold)));
        }
    }
}
