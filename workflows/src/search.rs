//! Search attributes of a verification. They are never encrypted: ids and stable words only.

use temporalio_common::search_attributes::SearchAttributeKey;

pub const TENANT: SearchAttributeKey<String> = SearchAttributeKey::keyword("AssayTenant");
pub const CLAIM_TYPE: SearchAttributeKey<String> = SearchAttributeKey::keyword("AssayClaimType");
pub const STATUS: SearchAttributeKey<String> = SearchAttributeKey::keyword("AssayStatus");
pub const VERDICT: SearchAttributeKey<String> = SearchAttributeKey::keyword("AssayVerdict");
pub const LEVEL: SearchAttributeKey<String> = SearchAttributeKey::keyword("AssayLevel");

/// What `assay migrate` registers on the server; all are keywords.
pub const NAMES: [&str; 5] = ["AssayTenant", "AssayClaimType", "AssayStatus", "AssayVerdict", "AssayLevel"];
