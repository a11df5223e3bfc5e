//! Sign-ins through a provider that are under way. Any instance of the desk finds what another began; each is used once.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use sha2::{Digest, Sha256};

use crate::error::{StoreError, failed_to};
use crate::schema::sign_ins;
use crate::sql::sql;
use crate::tx::RelayTx;

/// How long somebody may take at the provider. Long enough to look for a second factor, short for whoever finds the browser left alone.
pub const LIFETIME: Duration = Duration::from_secs(600);

/// What is known when somebody sets out for the provider.
pub struct NewSignIn<'a> {
    /// What the provider hands back, unguessable.
    pub state: &'a str,
    pub issuer: &'a str,
    pub nonce: &'a str,
    /// The secret behind the PKCE challenge.
    pub verifier: &'a str,
    /// A path of the desk to go to afterwards, or nothing.
    pub next: &'a str,
}

/// A sign-in that came back.
#[derive(QueryableByName)]
pub struct SignIn {
    #[diesel(sql_type = Text)]
    pub issuer: String,
    #[diesel(sql_type = Text)]
    pub nonce: String,
    #[diesel(sql_type = Text)]
    pub verifier: String,
    #[diesel(sql_type = Text)]
    pub next: String,
}

/// Begins a sign-in, and forgets some whose time is over: whoever sets out again and again leaves ten minutes of rows and no more. Returns what the browser must show when it comes back, for a cookie that nobody else knows.
pub async fn begin(tx: &mut RelayTx, new: &NewSignIn<'_>) -> Result<String, StoreError> {
    let browser = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    sql("delete from sign_ins where state_sha256 in (
            select state_sha256 from sign_ins where ends_at <= clock_timestamp() limit 100
        )")
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("forget old sign-ins"))?;
    diesel::insert_into(sign_ins::table)
        .values((
            sign_ins::state_sha256.eq(&hash(new.state)[..]),
            sign_ins::browser_sha256.eq(&hash(&browser)[..]),
            sign_ins::issuer.eq(new.issuer),
            sign_ins::nonce.eq(new.nonce),
            sign_ins::verifier.eq(new.verifier),
            sign_ins::next.eq(new.next),
            sign_ins::ends_at.eq(Utc::now() + LIFETIME),
        ))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("begin a sign-in"))?;
    Ok(browser)
}

/// Takes the sign-in of that state out, once committed for good. None when there is none, its time is over, or another browser began it: that one
/// may still come back itself.
pub async fn take(tx: &mut RelayTx, state: &str, browser: &str) -> Result<Option<SignIn>, StoreError> {
    sql("delete from sign_ins where state_sha256 = $1 and browser_sha256 = $2 and ends_at > clock_timestamp()
        returning issuer, nonce, verifier, next")
    .bytes(&hash(state))
    .bytes(&hash(browser))
    .get_result(tx.connection()?)
    .await
    .optional()
    .map_err(failed_to("take a sign-in"))
}

/// Removes sign-ins whose time is over. Returns how many there were.
pub async fn sweep(tx: &mut RelayTx) -> Result<usize, StoreError> {
    diesel::delete(sign_ins::table.filter(sign_ins::ends_at.le(diesel::dsl::now)))
        .execute(tx.connection()?)
        .await
        .map_err(failed_to("remove old sign-ins"))
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}
