//! Waiting for a condition that something else brings about: looked at often, given up at a deadline.

use std::time::Duration;

use anyhow::{Result, bail};

/// Between two looks; short beside everything that is waited for.
const PAUSE: Duration = Duration::from_millis(25);

/// Looks until there is something, for at most that long. `what` ends the sentence "waited in vain for".
pub async fn until<T>(what: &str, patience: Duration, mut look: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let found = async {
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout(patience, found).await {
        Ok(found) => found,
        Err(_) => bail!("waited {} s in vain for {what}", patience.as_secs()),
    }
}
