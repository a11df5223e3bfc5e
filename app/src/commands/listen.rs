//! `assay listen`: prints the tenant's events as they happen and hands them to a receiver on this machine, so that nobody who writes one
//! needs a public address.

mod forward;
mod print;
mod since;

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use domain::webhook::signature::Secret;
use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::verify::{REFUSED, check_address, check_key, text};
use crate::client::{Client, Refused};
use crate::config::EXIT_CONFIG;
use crate::sse::{Message, Messages};
use crate::stop;

use forward::Forwarder;
pub use print::Format;

/// The first and the longest wait before the stream is opened again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// Three of the gateway's heartbeats: a stream that is quieter than this is broken.
const QUIET: Duration = Duration::from_secs(45);

/// Options of `assay listen`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 stopped by Ctrl-C, 64 usage or configuration, 65 the gateway refuses (its answer says why), 70 anything else."
)]
pub struct Arguments {
    /// Send every event there as well, signed: http://localhost:3000/hook
    #[arg(long, value_name = "URL")]
    pub forward_to: Option<String>,
    /// Only these types, as in `verification.final,review.overdue`; all when left out
    #[arg(long, value_delimiter = ',', value_name = "TYPE")]
    pub events: Vec<String>,
    /// Begin with what happened since: a time (2026-11-21T10:00:00Z) or a while ago (90s, 30m, 2h, 7d); now when left out
    #[arg(long)]
    pub since: Option<String>,
    /// What signs: `whsec_...`, never printed; a fresh one, printed at the start, when left out
    #[arg(long, env = "ASSAY_LISTEN_SECRET", hide_env_values = true)]
    pub secret: Option<String>,
    /// How events are printed
    #[arg(long, value_enum, default_value_t = Format::Line)]
    pub print: Format,
    /// Address of the gateway
    #[arg(long, env = "ASSAY_URL", default_value = "http://127.0.0.1:17400")]
    pub url: String,
    /// API key with `webhooks:read`, made by `assay keys create`
    #[arg(long, visible_alias = "api-key", env = "ASSAY_API_KEY", hide_env_values = true)]
    pub key: String,
}

/// What the command line says, once it makes sense.
struct Wish {
    forward_to: Option<(Url, Secret)>,
    query: Vec<(&'static str, String)>,
}

/// The data of a message. The body is kept in its very bytes, for they are what is signed.
#[derive(Deserialize)]
struct Told {
    event_id: String,
    body: Box<RawValue>,
}

/// Listens until it is told to stop.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let wish = match read(&arguments) {
        Ok(wish) => wish,
        Err(error) => {
            eprintln!("listen: {error:#}");
            return Ok(ExitCode::from(EXIT_CONFIG));
        }
    };
    let stop = stop::on_signal()?;
    let ended = tokio::select! {
        () = stop.cancelled() => Ok(()),
        ended = listen(&arguments, wish) => ended,
    };
    match ended {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // Whoever read what we print has gone, as `head` does.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) => {
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => match error.downcast::<Refused>() {
            Ok(refused) => {
                eprintln!("listen: the gateway refused: {refused}");
                for field in refused.problem.get("errors").and_then(Value::as_array).into_iter().flatten() {
                    eprintln!("  {}: {}", text(field, "parameter"), text(field, "detail"));
                }
                Ok(ExitCode::from(REFUSED))
            }
            Err(error) => Err(error),
        },
    }
}

fn read(arguments: &Arguments) -> Result<Wish> {
    check_address(&arguments.url)?;
    check_key(&arguments.key)?;
    let secret = forward::secret(arguments.secret.as_deref()).context("--secret")?;
    let forward_to = arguments.forward_to.as_deref().map(forward::target).transpose()?.map(|url| (url, secret));
    let mut query = Vec::new();
    if !arguments.events.is_empty() {
        query.push(("events", arguments.events.join(",")));
    }
    if let Some(since) = &arguments.since {
        query.push(("since", since::read(since, chrono::Utc::now())?));
    }
    Ok(Wish { forward_to, query })
}

async fn listen(arguments: &Arguments, wish: Wish) -> Result<()> {
    let client = Client::new(&arguments.url, &arguments.key)?;
    let mut response = client.events(&wish.query, None).await.context("begin to listen; does a gateway run there?")?;
    let which = if arguments.events.is_empty() { "all events".to_owned() } else { arguments.events.join(", ") };
    eprintln!("listen: {which} of {}; Ctrl-C ends", arguments.url);
    let forwarder = match wish.forward_to {
        Some((url, secret)) => {
            eprintln!("listen: forwarding to {url}");
            match arguments.secret {
                // Whoever gave it has it; a terminal and its logs are no place for it.
                Some(_) => eprintln!("listen: signed with the secret that was given"),
                None => eprintln!("listen: signed with {}", secret.reveal()),
            }
            Some(Forwarder::new(url, secret)?)
        }
        None => None,
    };
    let mut listener = Listener { forwarder, format: arguments.print, last: None };
    loop {
        let ended = listener.follow(Messages::of(response, QUIET)).await;
        if let Err(error) = ended {
            match error.downcast::<Broken>() {
                Ok(Broken(cause)) => eprintln!("listen: the stream broke ({cause:#}); going on where it was"),
                Err(error) => return Err(error),
            }
        }
        response = come_back(&client, &wish.query, listener.last).await?;
    }
}

/// The stream goes on in a new answer. Tried until it does, unless the gateway says that it never will.
async fn come_back(client: &Client, query: &[(&'static str, String)], last: Option<i64>) -> Result<reqwest::Response> {
    let mut wait = BACKOFF.0;
    let mut said = false;
    loop {
        // Many listeners should not come back in step, nor one without a pause.
        tokio::time::sleep(wait.mul_f64(rand::random_range(0.5..1.0))).await;
        wait = (wait * 2).min(BACKOFF.1);
        let error = match client.events(query, last).await {
            Ok(response) => {
                if said {
                    eprintln!("listen: the gateway is back; what was missed follows");
                }
                return Ok(response);
            }
            Err(error) => error,
        };
        if error.downcast_ref::<Refused>().is_some_and(|refused| !refused.may_pass()) {
            return Err(error);
        }
        if !said {
            eprintln!("listen: the gateway is away ({error:#}); trying until it is back");
            said = true;
        }
    }
}

/// The stream ended before its time. Nothing is lost: it goes on after the last event.
#[derive(Debug, thiserror::Error)]
#[error("the stream broke")]
struct Broken(#[source] anyhow::Error);

/// Where events go, and which was the last.
struct Listener {
    forwarder: Option<Forwarder>,
    format: Format,
    /// The number after which the stream goes on; none before it began.
    last: Option<i64>,
}

impl Listener {
    /// Deals with the messages of one answer, one after the other.
    async fn follow(&mut self, mut messages: Messages) -> Result<()> {
        loop {
            match messages.next().await {
                Ok(Some(message)) => self.deal_with(&message).await?,
                ended => {
                    // All up to here was dealt with. The stream says where it begins before anything happens.
                    self.last = messages.last_id().parse().ok().or(self.last);
                    return ended.map(drop).map_err(|error| Broken(error).into());
                }
            }
        }
    }

    async fn deal_with(&self, message: &Message) -> Result<()> {
        if message.name != "webhook" {
            // Later gateways may have more to say.
            return Ok(());
        }
        let number = message.id.parse().context("read the number of an event")?;
        let told: Told = serde_json::from_str(&message.data).context("read an event of the gateway")?;
        let mut event = print::Event::begin(self.format, number, &told.event_id, &told.body)?;
        if let Some(forwarder) = &self.forwarder {
            event.forwarded(forwarder.forward(&told.event_id, told.body.get()).await?)?;
        }
        event.end()
    }
}
