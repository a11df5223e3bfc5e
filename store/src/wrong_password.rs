//! Wrong passwords, counted by the address that was typed, whether or not there is an account behind it: being told to wait says nothing of
//! which addresses there are. After a few in a row the next try has to wait, longer each time.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{Double, Nullable};
use diesel_async::RunQueryDsl;
use sha2::{Digest, Sha256};

use crate::error::{StoreError, failed_to};
use crate::sql::sql;
use crate::tx::RelayTx;

/// Wrong passwords in a row before the next try has to wait.
const FREE_TRIES: i32 = 5;
/// The first wait after that, doubled with every further failure, and the longest, in seconds.
const WAIT_SECONDS: (f64, f64) = (15.0, 900.0);

#[derive(QueryableByName)]
struct Wait {
    #[diesel(sql_type = Nullable<Double>)]
    seconds: Option<f64>,
}

impl Wait {
    fn left(self) -> Option<Duration> {
        self.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|left| !left.is_zero())
    }
}

/// How long the next try with this address has to wait.
pub async fn wait(tx: &mut RelayTx, address: &str) -> Result<Option<Duration>, StoreError> {
    let found: Option<Wait> =
        sql("select extract(epoch from waits_until - clock_timestamp())::float8 as seconds from wrong_passwords where address_sha256 = $1")
            .bytes(&digest(address))
            .get_result(tx.connection()?)
            .await
            .optional()
            .map_err(failed_to("look wrong passwords up"))?;
    Ok(found.and_then(Wait::left))
}

/// Counts a wrong password, and says how long the next try with this address has to wait.
///
/// Forgets some of those that are a day old: each failure leaves one row at most and takes more away, so whoever types one address after the
/// other fills a day and no more.
pub async fn count(tx: &mut RelayTx, address: &str) -> Result<Option<Duration>, StoreError> {
    sql("delete from wrong_passwords where address_sha256 in (
            select address_sha256 from wrong_passwords where last_at < clock_timestamp() - interval '1 day' limit 100 for update skip locked
        )")
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("forget old wrong passwords"))?;
    let counted: Wait = sql("insert into wrong_passwords (address_sha256, times) values ($1, 1)
        on conflict (address_sha256) do update set times = wrong_passwords.times + 1, last_at = excluded.last_at,
            waits_until = case when wrong_passwords.times + 1 >= $2
                then clock_timestamp() + make_interval(secs => least($3 * 2 ^ least(wrong_passwords.times + 1 - $2, 20), $4)) end
        returning extract(epoch from waits_until - clock_timestamp())::float8 as seconds")
    .bytes(&digest(address))
    .i32(FREE_TRIES)
    .f64(WAIT_SECONDS.0)
    .f64(WAIT_SECONDS.1)
    .get_result(tx.connection()?)
    .await
    .map_err(failed_to("count a wrong password"))?;
    Ok(counted.left())
}

/// The password was right, or there is a new one: whoever comes with this address tries at once again.
pub async fn forget(tx: &mut RelayTx, address: &str) -> Result<(), StoreError> {
    sql("delete from wrong_passwords where address_sha256 = $1")
        .bytes(&digest(address))
        .execute(tx.connection()?)
        .await
        .map(|_| ())
        .map_err(failed_to("forget wrong passwords"))
}

/// In whatever case it was typed, as accounts are found by it.
fn digest(address: &str) -> [u8; 32] {
    Sha256::digest(address.trim().to_lowercase()).into()
}
