//! How a part shows that it is ready: it answers the kind of question that others will ask it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// A part that does not answer within this time is asked again.
const PATIENCE: Duration = Duration::from_secs(2);

/// One question to one part.
#[derive(Clone, Debug)]
pub enum Probe {
    /// `GET` answers with a status below 300.
    Http(String),
    /// `GET` answers with anything but a server error: the part has understood the question.
    HttpUnderstood(String),
    /// A login and a query succeed on this connection string.
    Postgres(String),
}

impl Probe {
    /// Asks once.
    pub async fn ask(&self) -> Result<()> {
        tokio::time::timeout(PATIENCE, self.question()).await.context("no answer in time")?
    }

    async fn question(&self) -> Result<()> {
        match self {
            Self::Http(url) => {
                let status = status(url).await?;
                ensure!(status.is_success(), "{url} answered {status}");
            }
            Self::HttpUnderstood(url) => {
                let status = status(url).await?;
                ensure!(!status.is_server_error(), "{url} answered {status}");
            }
            Self::Postgres(url) => {
                super::postgres::connect(url).await?.simple_query("SELECT 1").await?;
            }
        }
        Ok(())
    }
}

/// Past any proxy that the environment names: the parts listen on loopback.
async fn status(url: &str) -> Result<reqwest::StatusCode> {
    Ok(reqwest::Client::builder().no_proxy().build()?.get(url).send().await?.status())
}
