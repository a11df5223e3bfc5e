//! API keys: made once, shown once, kept as a hash. `assay_live_<8 id>_<43 secret><6 checksum>`, `assay_test_` for the sandbox.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use domain::id::{KeyId, TenantId};
use rand::Rng;
use serde_json::json;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::{StoreError, failed_to};
use crate::schema::api_keys;
use crate::tx::{AnyTx, Change, RelayTx, TenantTx};

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX_LENGTH: usize = 8;
/// Base 62 digits of 256 bits.
const SECRET_LENGTH: usize = 43;
/// Base 62 digits of 32 bits.
const CHECKSUM_LENGTH: usize = 6;

/// A key that nobody has seen yet.
pub struct NewKey {
    /// What its owner is shown, once.
    pub plain_text: String,
    /// The eight characters that name it in the database.
    pub prefix: String,
    /// SHA-256 of the plain text.
    pub sha256: [u8; 32],
    pub livemode: bool,
}

/// A key as presented, with its checksum verified; whether it exists is another question.
#[derive(Clone, PartialEq, Eq)]
pub struct PresentedKey {
    prefix: String,
    sha256: [u8; 32],
    /// Whether it claims to be a live key.
    pub livemode: bool,
}

/// A stored key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRow {
    pub id: KeyId,
    pub tenant_id: TenantId,
    pub prefix: String,
    pub name: String,
    pub scopes: Vec<String>,
    pub livemode: bool,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl ApiKeyRow {
    /// Whether it opens anything at that time.
    pub fn is_valid_at(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none_or(|at| at > now) && self.expires_at.is_none_or(|at| at > now)
    }
}

/// What a key may do and for how long.
#[derive(Debug, Clone)]
pub struct KeyGrant {
    pub name: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Draws a key from the operating system's randomness.
pub fn generate(livemode: bool) -> NewKey {
    let mut random = rand::rng();
    let prefix: String = (0..PREFIX_LENGTH).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect();
    let secret = base62(&random.random::<[u8; 32]>(), SECRET_LENGTH);
    let mode = if livemode { "live" } else { "test" };
    let body = format!("assay_{mode}_{prefix}_{secret}");
    let plain_text = format!("{body}{}", checksum(&body));
    let sha256 = Sha256::digest(&plain_text).into();
    NewKey { plain_text, prefix, sha256, livemode }
}

/// Reads a key as presented. `None` for anything misspelt, without asking the database.
pub fn parse(presented: &str) -> Option<PresentedKey> {
    let (livemode, rest) = match presented.strip_prefix("assay_live_") {
        Some(rest) => (true, rest),
        None => (false, presented.strip_prefix("assay_test_")?),
    };
    let (prefix, secret) = rest.split_once('_')?;
    let shaped = prefix.len() == PREFIX_LENGTH
        && secret.len() == SECRET_LENGTH + CHECKSUM_LENGTH
        && rest.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    if !shaped {
        return None;
    }
    let (body, sum) = presented.split_at(presented.len() - CHECKSUM_LENGTH);
    (checksum(body) == sum).then(|| PresentedKey { prefix: prefix.to_owned(), sha256: Sha256::digest(presented).into(), livemode })
}

/// Stores a key for a tenant.
pub async fn create(tx: &mut impl AnyTx, tenant: TenantId, key: &NewKey, grant: &KeyGrant, actor: &str) -> Result<KeyId, StoreError> {
    let id = KeyId::new();
    if create_once(tx, tenant, id, key, grant, actor).await? { Ok(id) } else { Err(StoreError::missing("store an API key", id)) }
}

/// Stores a key under an id that was drawn before, by a form that may be sent twice. False when it is there already; nothing is changed then.
pub async fn create_once(
    tx: &mut impl AnyTx,
    tenant: TenantId,
    id: KeyId,
    key: &NewKey,
    grant: &KeyGrant,
    actor: &str,
) -> Result<bool, StoreError> {
    let transaction = tx.transaction();
    let made = diesel::insert_into(api_keys::table)
        .values((
            api_keys::tenant_id.eq(tenant.0),
            api_keys::id.eq(id.0),
            api_keys::prefix.eq(&key.prefix),
            api_keys::secret_sha256.eq(&key.sha256[..]),
            api_keys::name.eq(&grant.name),
            api_keys::scopes.eq(&grant.scopes),
            api_keys::livemode.eq(key.livemode),
            api_keys::expires_at.eq(grant.expires_at),
        ))
        .on_conflict((api_keys::tenant_id, api_keys::id))
        .do_nothing()
        .execute(transaction.connection()?)
        .await
        .map_err(failed_to("store an API key"))?;
    if made == 0 {
        return Ok(false);
    }
    let data = json!({ "prefix": key.prefix, "scopes": grant.scopes, "livemode": key.livemode, "expires_at": grant.expires_at });
    transaction.record(tenant, Change::of("api_key.created", actor, id, data));
    Ok(true)
}

/// Finds the key that was presented, whoever owns it; expired and revoked ones too. Writes nothing.
pub async fn lookup(tx: &mut RelayTx, presented: &str) -> Result<Option<ApiKeyRow>, StoreError> {
    let Some(key) = parse(presented) else { return Ok(None) };
    let candidates: Vec<(Raw, Vec<u8>)> = api_keys::table
        .filter(api_keys::prefix.eq(&key.prefix))
        .select((RAW, api_keys::secret_sha256))
        .load(tx.connection()?)
        .await
        .map_err(failed_to("look an API key up"))?;
    let found = candidates.into_iter().find(|(_, sha256)| bool::from(sha256.as_slice().ct_eq(&key.sha256)));
    Ok(found.map(|(raw, _)| read(raw)).filter(|row| row.livemode == key.livemode))
}

/// The tenant's keys, newest first.
pub async fn list(tx: &mut impl AnyTx, tenant: TenantId) -> Result<Vec<ApiKeyRow>, StoreError> {
    let rows: Vec<Raw> = api_keys::table
        .filter(api_keys::tenant_id.eq(tenant.0))
        .order(api_keys::id.desc())
        .select(RAW)
        .load(tx.transaction().connection()?)
        .await
        .map_err(failed_to("list API keys"))?;
    Ok(rows.into_iter().map(read).collect())
}

/// Takes a key away for good. False when there is no such key or it was revoked before.
pub async fn revoke(tx: &mut TenantTx, id: KeyId, actor: &str) -> Result<bool, StoreError> {
    let tenant = tx.tenant;
    let key = api_keys::table.filter(api_keys::tenant_id.eq(tenant.0)).filter(api_keys::id.eq(id.0)).filter(api_keys::revoked_at.is_null());
    let changed = diesel::update(key)
        .set(api_keys::revoked_at.eq(diesel::dsl::now))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("revoke an API key"))?;
    if changed == 0 {
        return Ok(false);
    }
    tx.record(Change::of("api_key.revoked", actor, id, json!({})));
    Ok(true)
}

type Raw = (uuid::Uuid, uuid::Uuid, String, String, Vec<String>, bool, DateTime<Utc>, Option<DateTime<Utc>>, Option<DateTime<Utc>>);

type Columns = (
    api_keys::id,
    api_keys::tenant_id,
    api_keys::prefix,
    api_keys::name,
    api_keys::scopes,
    api_keys::livemode,
    api_keys::created_at,
    api_keys::expires_at,
    api_keys::revoked_at,
);

const RAW: Columns = (
    api_keys::id,
    api_keys::tenant_id,
    api_keys::prefix,
    api_keys::name,
    api_keys::scopes,
    api_keys::livemode,
    api_keys::created_at,
    api_keys::expires_at,
    api_keys::revoked_at,
);

fn read((id, tenant_id, prefix, name, scopes, livemode, created_at, expires_at, revoked_at): Raw) -> ApiKeyRow {
    let (id, tenant_id) = (KeyId(id), TenantId(tenant_id));
    ApiKeyRow { id, tenant_id, prefix, name, scopes, livemode, created_at, expires_at, revoked_at }
}

fn checksum(body: &str) -> String {
    base62(&crc32fast::hash(body.as_bytes()).to_be_bytes(), CHECKSUM_LENGTH)
}

/// The bytes as one number in base 62, padded with zeros on the left.
fn base62(bytes: &[u8], length: usize) -> String {
    let mut number = bytes.to_vec();
    let mut digits = vec![ALPHABET[0]; length];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in &mut number {
            let value = remainder * 256 + u32::from(*byte);
            // Both fit: the quotient of a value below 62 * 256 by 62 is below 256.
            *byte = (value / 62) as u8;
            remainder = value % 62;
        }
        *digit = ALPHABET[remainder as usize];
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_a_typo_does_not() {
        for livemode in [true, false] {
            let key = generate(livemode);
            let parsed = parse(&key.plain_text).unwrap();
            assert_eq!((parsed.prefix.as_str(), parsed.sha256, parsed.livemode), (key.prefix.as_str(), key.sha256, livemode));
            for (index, letter) in key.plain_text.char_indices() {
                let other = if letter == 'x' { 'y' } else { 'x' };
                let mut typo = key.plain_text.clone();
                typo.replace_range(index..=index, &other.to_string());
                assert!(parse(&typo).is_none(), "{typo}");
            }
        }
        assert!(parse("").is_none());
        assert!(parse("assay_live_").is_none());
        assert!(parse(&"\u{e9}".repeat(69)).is_none());
    }

    #[test]
    fn base_62_is_the_number_in_that_base() {
        assert_eq!(base62(&[0, 0, 0, 61], 6), "00000z");
        assert_eq!(base62(&[0, 0, 0, 62], 6), "000010");
        assert_eq!(base62(&[0xff; 4], 6), "4gfFC3");
        assert_eq!(base62(&[0xff; 32], 43).len(), 43);
    }
}
