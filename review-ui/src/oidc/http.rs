//! The way to the provider: bounded in time and bytes, and going nowhere else than asked.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use reqwest::{Client, Request};

use super::settings::Issuer;

/// For a connection, TLS included.
const CONNECT: Duration = Duration::from_secs(3);
/// From the first look at the name to the last byte. Somebody is looking at an empty window meanwhile.
const PATIENCE: Duration = Duration::from_secs(8);
/// The largest answer read, in bytes. A set of a hundred keys with certificates is a fifth of it.
const LARGEST: usize = 1 << 20;

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("the request did not get through")]
    Request(#[source] reqwest::Error),
    #[error("the answer is larger than {LARGEST} bytes")]
    TooLarge,
}

/// A client for the provider's endpoints. Redirects come back as they are: following one would take a code or a secret elsewhere.
#[derive(Debug, Clone)]
pub(super) struct Http {
    client: Client,
}

impl Http {
    pub fn new(issuer: &Issuer) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .connect_timeout(CONNECT)
            .timeout(PATIENCE);
        // A proxy would look for this machine's addresses on its own machine.
        let client = if issuer.is_local() { client.no_proxy() } else { client.https_only(true) };
        Ok(Self { client: client.build()? })
    }

    async fn answer(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // The address is left out of errors: some providers put names of customers into it.
        let failed = |error: reqwest::Error| HttpError::Request(error.without_url());
        let request = Request::try_from(request).map_err(failed)?;
        let mut response = self.client.execute(request).await.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = response.status();
        std::mem::swap(answer.headers_mut(), response.headers_mut());
        Ok(answer)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.answer(request))
    }
}
