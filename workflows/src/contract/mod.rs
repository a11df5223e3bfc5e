//! The contract of every activity: what goes in, what comes out, under which frozen name. How it is kept is the business of the crate `activities`.
//!
//! Only ids, counts and stable words cross this border. Documents, claims and values stay in the store, where activities read them.

mod decide;
mod deliver;
mod prepare;
mod read;
mod review;
mod understand;

use domain::id::{EvidenceId, TenantId, VerificationId};
use serde::{Deserialize, Serialize};

pub use decide::*;
pub use deliver::*;
pub use prepare::*;
pub use read::*;
pub use review::*;
pub use understand::*;

/// Which verification an activity works for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    pub tenant_id: TenantId,
    pub verification_id: VerificationId,
}

/// One evidence file, as far as the workflow knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentRef {
    pub evidence_id: EvidenceId,
    /// 0 when the file could not be read at all.
    pub pages_total: u32,
    /// Pages of one window, so that a later constant does not change what older work means.
    pub window_pages: u32,
}
