//! Page cursors: opaque, signed, and good only for the tenant, the list and the filters that they came from.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{Id, TenantId};
use hmac::{Hmac, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use crate::problem::{Code, Problem};

/// Bytes of the tag that a cursor carries; 128 bits are beyond guessing.
const TAG: usize = 16;

/// The secret that signs cursors. Gateways behind one address share it.
#[derive(Clone)]
pub struct CursorKey(Hmac<Sha256>);

/// One list under one set of filters, for one tenant.
pub struct Page<'a> {
    key: &'a CursorKey,
    tenant: TenantId,
    /// The path and the canonical filters.
    scope: String,
}

impl CursorKey {
    /// Any bytes will do; 32 random ones are best.
    pub fn new(secret: &[u8]) -> Self {
        // HMAC takes keys of every length, so the error cannot occur; a key that nobody knows is the safe answer to it.
        Self(Hmac::new_from_slice(secret).unwrap_or_else(|_| Hmac::new(&rand::random::<[u8; 64]>().into())))
    }

    /// Cursors of this list.
    pub fn page(&self, tenant: TenantId, list: &str, filters: impl Serialize) -> Page<'_> {
        Page { key: self, tenant, scope: format!("{list}?{}", serde_json::to_string(&filters).unwrap_or_default()) }
    }
}

impl Page<'_> {
    /// The cursor that goes on behind this position.
    pub fn cursor(&self, position: &impl Serialize) -> String {
        let position = serde_json::to_vec(position).unwrap_or_default();
        let tag = self.tag(&position).finalize().into_bytes();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&position), URL_SAFE_NO_PAD.encode(&tag[..TAG]))
    }

    /// The position that a cursor stands for.
    pub fn position<T: DeserializeOwned>(&self, cursor: &str) -> Result<T, Problem> {
        self.open(cursor).ok_or_else(|| Problem::new(Code::InvalidCursor))
    }

    fn open<T: DeserializeOwned>(&self, cursor: &str) -> Option<T> {
        let (position, tag) = cursor.split_once('.')?;
        let position = URL_SAFE_NO_PAD.decode(position).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok().filter(|tag| tag.len() == TAG)?;
        self.tag(&position).verify_truncated_left(&tag).ok()?;
        serde_json::from_slice(&position).ok()
    }

    fn tag(&self, position: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.key.0.clone();
        for part in [b"assay.cursor.v1".as_slice(), self.tenant.uuid().as_bytes(), self.scope.as_bytes(), position] {
            // Behind its length, so that no two pages share their bytes.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_where_it_came_from() {
        let key = CursorKey::new(b"secret");
        let tenant = TenantId::new();
        let page = key.page(tenant, "/v1/things", [("status", "final")]);
        let cursor = page.cursor(&(5, "x"));
        assert_eq!(page.position::<(i32, String)>(&cursor).unwrap(), (5, "x".to_owned()));
        assert!(key.page(TenantId::new(), "/v1/things", [("status", "final")]).position::<(i32, String)>(&cursor).is_err());
        assert!(key.page(tenant, "/v1/others", [("status", "final")]).position::<(i32, String)>(&cursor).is_err());
        assert!(key.page(tenant, "/v1/things", [("status", "queued")]).position::<(i32, String)>(&cursor).is_err());
        assert!(CursorKey::new(b"other").page(tenant, "/v1/things", [("status", "final")]).position::<(i32, String)>(&cursor).is_err());
    }

    #[test]
    fn every_changed_letter_is_noticed() {
        let key = CursorKey::new(b"secret");
        let page = key.page(TenantId::new(), "/v1/things", ());
        let cursor = page.cursor(&(1_700_000_000, "ver_1"));
        for at in 0..cursor.len() {
            let mut tampered = cursor.clone().into_bytes();
            tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
            let tampered = String::from_utf8(tampered).unwrap();
            // The last letter of base64 may hold bits that mean nothing.
            let same = page.position::<(i64, String)>(&tampered).is_ok();
            assert!(!same || tampered.len() - 1 == at || cursor.find('.') == Some(at + 1), "{tampered}");
        }
        assert!(page.position::<(i64, String)>("").is_err());
        assert!(page.position::<(i64, String)>("no.cursor").is_err());
    }
}
