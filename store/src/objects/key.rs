//! Where each kind of object lies: always below its tenant.

use domain::id::TenantId;
use uuid::Uuid;

/// A file of evidence, by its bytes.
pub fn evidence_key(tenant: TenantId, sha256: &[u8; 32]) -> String {
    format!("tenants/{}/evidence/{}", tenant.0, hex::encode(sha256))
}

/// An upload whose hash is not known yet.
pub fn incoming_key(tenant: TenantId) -> String {
    format!("tenants/{}/incoming/{}", tenant.0, Uuid::now_v7())
}

/// The result of a stage, by the hash of what it was made of. `version` may hold any characters.
pub fn stage_key(tenant: TenantId, stage: &str, version: &str, content_hash: &[u8; 32]) -> String {
    format!("tenants/{}/stages/{stage}/{}/{}.json", tenant.0, plain(version), hex::encode(content_hash))
}

/// The image of one page of a file, from 1.
pub fn page_key(tenant: TenantId, sha256: &[u8; 32], version: &str, page: u32) -> String {
    format!("tenants/{}/pages/{}/{}/{page}.png", tenant.0, plain(version), hex::encode(sha256))
}

/// Engines name their versions freely; a key keeps to letters that need no escaping. Two versions must not become one, so what
/// is replaced is spelt out.
fn plain(version: &str) -> String {
    let mut plain = String::with_capacity(version.len());
    for byte in version.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' => plain.push(char::from(byte)),
            _ => plain.push_str(&format!("_{byte:02x}")),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_stay_apart_and_need_no_escaping() {
        let tenant = TenantId(Uuid::nil());
        let keys = ["a@1", "a/1", "a_401", "a@1 "].map(|version| stage_key(tenant, "read", version, &[0; 32]));
        for key in &keys {
            assert_eq!(keys.iter().filter(|other| *other == key).count(), 1, "{key}");
            assert_eq!(key.split('/').count(), 6, "{key}");
        }
        assert!(evidence_key(tenant, &[0xab; 32]).ends_with("/evidence/abababababababababababababababababababababababababababababababab"));
    }
}
