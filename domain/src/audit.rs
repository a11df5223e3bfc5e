//! One link of a tenant's hash chain.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::id::{Id, TenantId};

/// A SHA-256 digest.
pub type Hash = [u8; 32];

/// The hash before the first link.
pub const GENESIS: Hash = [0; 32];

/// Domain separation: no other use of SHA-256 in Assay starts with these bytes.
const LINK_TAG: &[u8] = b"assay.audit.link.v1";
const COMMIT_TAG: &[u8] = b"assay.audit.commit.v1";

/// The chained part of an event. The payload itself is kept beside the chain, so that erasing it leaves the chain whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub tenant_id: TenantId,
    /// From 1, without gaps.
    pub seq: i64,
    /// Microseconds are the precision of the database; anything finer is dropped before hashing.
    pub at: DateTime<Utc>,
    /// What happened, as in `verification.accepted`.
    pub event_type: String,
    /// Who did it, as in `key:key_...`, `system`, `operator:name`.
    pub actor: String,
    /// What it was done to, as in `ver_...`.
    pub subject: String,
    /// Commitment to salt and payload.
    pub commit: Hash,
}

/// Commits to a payload without revealing it: SHA-256 over the tag, the length-prefixed salt and the length-prefixed payload.
pub fn commit(salt: &[u8], payload: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(COMMIT_TAG);
    field(&mut hasher, salt);
    field(&mut hasher, payload);
    hasher.finalize().into()
}

impl Link {
    /// The hash of this link behind `previous`. Every field of variable length is prefixed with its length, so that no two links share their bytes.
    pub fn hash(&self, previous: &Hash) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update(LINK_TAG);
        hasher.update(previous);
        hasher.update(self.tenant_id.uuid().as_bytes());
        hasher.update(self.seq.to_be_bytes());
        hasher.update(self.at.timestamp_micros().to_be_bytes());
        field(&mut hasher, self.event_type.as_bytes());
        field(&mut hasher, self.actor.as_bytes());
        field(&mut hasher, self.subject.as_bytes());
        hasher.update(self.commit);
        hasher.finalize().into()
    }
}

fn field(hasher: &mut Sha256, bytes: &[u8]) {
    hasher.update((bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link {
            tenant_id: TenantId(uuid::Uuid::nil()),
            seq: 1,
            at: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            event_type: "verification.accepted".into(),
            actor: "system".into(),
            subject: "ver_1".into(),
            commit: commit(b"salt", b"payload"),
        }
    }

    #[test]
    fn every_field_changes_the_hash() {
        let base = link().hash(&GENESIS);
        let changed = [
            Link { seq: 2, ..link() },
            Link { at: link().at + chrono::Duration::microseconds(1), ..link() },
            Link { event_type: "verification.canceled".into(), ..link() },
            Link { actor: "systemv".into(), subject: "er_1".into(), ..link() },
            Link { commit: commit(b"saltp", b"ayload"), ..link() },
            Link { tenant_id: TenantId(uuid::Uuid::max()), ..link() },
        ];
        for other in changed {
            assert_ne!(other.hash(&GENESIS), base, "{other:?}");
        }
        assert_ne!(link().hash(&[1; 32]), base);
    }
}
