//! `assay verify`: one claim against its evidence, through any gateway.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use domain::claim::{Claim, FieldError};
use domain::claim_type::ClaimType;
use domain::spelling;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use crate::client::{Client, Refused};
use crate::config::EXIT_CONFIG;

/// Exit codes beside 0 for `supported`.
const REFUTED: u8 = 1;
const INSUFFICIENT: u8 = 2;
/// No verdict: canceled, failed, or not ready in the time given.
const NO_VERDICT: u8 = 3;
/// `EX_DATAERR` of BSD's sysexits: the gateway refused the claim or the evidence, or would have.
pub(crate) const REFUSED: u8 = 65;

/// Options of `assay verify`.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Exit codes: 0 supported, 1 refuted, 2 insufficient, 3 no verdict (canceled, failed, not in time), 64 usage or configuration, 65 the claim or the evidence is refused, 70 anything else."
)]
pub struct Arguments {
    /// Files that show what is claimed: JPEG, PNG, WebP, TIFF, PDF or text
    #[arg(required = true)]
    pub evidence: Vec<PathBuf>,
    /// The claim as a JSON file: `{"claim_type": "...", "claim": {...}}`, or just the fields
    #[arg(long)]
    pub claim: Option<PathBuf>,
    /// The claim type, as in `expense_receipt`
    #[arg(long)]
    pub claim_type: Option<String>,
    /// A field of the claim, as in `--set total=9.00 --set currency=MYR --set date=2018-03-30`
    #[arg(long = "set", value_name = "FIELD=VALUE")]
    pub set: Vec<String>,
    /// Address of the gateway
    #[arg(long, env = "ASSAY_URL", default_value = "http://127.0.0.1:17400")]
    pub url: String,
    /// API key, made by `assay keys create`
    #[arg(long, env = "ASSAY_API_KEY", hide_env_values = true)]
    pub key: String,
    /// Wait for the final result, reviews included, instead of the provisional one
    #[arg(long)]
    pub r#final: bool,
    /// Give up waiting after this many seconds; the verification goes on
    #[arg(long, default_value_t = 600)]
    pub timeout: u64,
    /// Print the verification as JSON
    #[arg(long)]
    pub json: bool,
}

/// What the command line names cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("nothing was sent")]
struct Misuse;

/// The claim is not one that the gateway takes, which shows before anything is uploaded.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("there is no claim type `{name}`; the gateway has {}", known.join(", "))]
    UnknownType { name: String, known: Vec<String> },
    #[error("the claim does not fit {claim_type}")]
    Faults { claim_type: String, faults: Vec<FieldError> },
}

/// Uploads, starts, waits, prints.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    match verify(&arguments).await {
        Ok(verification) => Ok(ExitCode::from(exit_code(&verification, arguments.r#final))),
        Err(error) if error.is::<Misuse>() => {
            eprintln!("verify: {error:#}");
            Ok(ExitCode::from(EXIT_CONFIG))
        }
        Err(error) if error.is::<Unfit>() => {
            eprintln!("verify: nothing was sent: {error}");
            if let Some(Unfit::Faults { faults, .. }) = error.downcast_ref() {
                for fault in faults {
                    eprintln!("  /claim{}: {}", fault.pointer, fault.detail);
                }
            }
            Ok(ExitCode::from(REFUSED))
        }
        Err(error) => match error.downcast::<Refused>() {
            Ok(refused) => {
                eprintln!("verify: the gateway refused: {refused}");
                for field in refused.problem.get("errors").and_then(Value::as_array).into_iter().flatten() {
                    eprintln!("  {}: {}", text(field, "pointer"), text(field, "detail"));
                }
                Ok(ExitCode::from(REFUSED))
            }
            Err(error) => Err(error),
        },
    }
}

async fn verify(arguments: &Arguments) -> Result<Value> {
    check_address(&arguments.url).and_then(|()| check_key(&arguments.key)).context(Misuse)?;
    let client = Client::new(&arguments.url, &arguments.key)?;
    let (claim_type, mut claim) = read_claim(arguments).context(Misuse)?;
    arguments.evidence.iter().try_for_each(|file| check_file(file)).context(Misuse)?;
    let schema = find_type(client.claim_types().await?, &claim_type)?;
    set_fields(&schema, &mut claim, &arguments.set).context(Misuse)?;
    let claim = Value::Object(claim);
    // The gateway looks again; a claim that it would refuse need not wait for its evidence to be uploaded.
    if let Err(faults) = Claim::parse(&schema, &claim) {
        return Err(Unfit::Faults { claim_type, faults }.into());
    }
    let progress = Progress::start(arguments.json);
    let mut evidence = Vec::new();
    for file in &arguments.evidence {
        progress.say(format!("uploading {}", file.display()));
        evidence.push(client.upload(file).await?);
    }
    // One run of the command is one intent: its own retries repeat it, a second run is a second verification.
    let intent = uuid::Uuid::now_v7().to_string();
    let started = client.start(&intent, &claim_type, &claim, &evidence).await?;
    let id = text(&started, "id").to_owned();
    progress.say(format!("started {id}"));
    let verification =
        tokio::time::timeout(Duration::from_secs(arguments.timeout), settled(&client, &id, arguments.r#final, &progress)).await;
    let verification = match verification {
        Ok(verification) => verification?,
        Err(_) => client.get(&id).await?,
    };
    progress.end();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&verification)?)
    } else {
        print_result(&verification)
    }
    Ok(verification)
}

async fn settled(client: &Client, id: &str, until_final: bool, progress: &Progress) -> Result<Value> {
    let settled = |verification: &Value| {
        let terminal = matches!(text(verification, "status"), "final" | "canceled" | "expired" | "failed");
        let done = terminal || (!until_final && !verification["provisional"].is_null());
        if !done {
            progress.say(progress_line(verification));
        }
        done
    };
    client.follow(id, settled).await
}

pub(crate) fn check_address(url: &str) -> Result<()> {
    let usable = reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    ensure!(usable, "`{url}` is no address of a gateway; --url or ASSAY_URL is like http://127.0.0.1:17400");
    Ok(())
}

/// Never with the key in the sentence.
pub(crate) fn check_key(key: &str) -> Result<()> {
    let usable = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(
        usable,
        "the API key is empty or has spaces or signs that no key has; --key or ASSAY_API_KEY is what `assay keys create` printed"
    );
    Ok(())
}

fn check_file(file: &Path) -> Result<()> {
    let opened = std::fs::File::open(file).with_context(|| format!("open {}", file.display()))?;
    let metadata = opened.metadata().with_context(|| format!("look at {}", file.display()))?;
    ensure!(!metadata.is_dir(), "{} is a folder; name the files in it", file.display());
    Ok(())
}

/// The newest version of that name.
fn find_type(types: Vec<Value>, name: &str) -> Result<ClaimType> {
    let known = types.iter().map(|found| text(found, "name").to_owned()).collect();
    let named = types.into_iter().filter(|found| text(found, "name") == name).max_by_key(|found| found["version"].as_u64());
    let found = named.ok_or_else(|| Unfit::UnknownType { name: name.to_owned(), known })?;
    serde_json::from_value(found).with_context(|| format!("read the gateway's claim type {name}"))
}

/// The claim type, and the claim as far as its file says it.
fn read_claim(arguments: &Arguments) -> Result<(String, Map<String, Value>)> {
    let file: Value = match &arguments.claim {
        Some(path) => {
            let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
            serde_json::from_slice(&bytes).with_context(|| format!("{} is not JSON", path.display()))?
        }
        None => json!({}),
    };
    let named = file.get("claim_type").and_then(Value::as_str).map(str::to_owned);
    let claim_type = arguments
        .claim_type
        .clone()
        .or(named)
        .context("name the claim type: --claim-type expense_receipt, or \"claim_type\" in the claim file")?;
    let mut claim = file.get("claim").cloned().unwrap_or(file).as_object().cloned().context("the claim is not a JSON object")?;
    claim.remove("claim_type");
    Ok((claim_type, claim))
}

/// `total=9.00` takes its currency from `total=9.00 MYR` or from `currency=MYR`.
fn set_fields(schema: &ClaimType, claim: &mut Map<String, Value>, settings: &[String]) -> Result<()> {
    let pairs: Vec<(&str, &str)> = settings
        .iter()
        .map(|setting| setting.split_once('=').with_context(|| format!("`--set {setting}`: expected FIELD=VALUE")))
        .collect::<Result<_>>()?;
    let currency = pairs.iter().find(|(field, _)| *field == "currency").map(|(_, value)| *value);
    for (field, value) in &pairs {
        let Some(spec) = schema.field(field) else {
            let known: Vec<&str> = schema.fields.iter().map(|field| field.name.as_str()).collect();
            bail!("`--set {field}=...`: {} has the fields {}", schema.name, known.join(", "));
        };
        let value = spelling::read(spec.kind, value, currency)
            .map_err(|_| anyhow!("`--set {field}={value}`: {}", without_currency(field, value)))?;
        claim.insert((*field).to_owned(), value);
    }
    Ok(())
}

/// What to do about money without a currency. Advice repeats only what is an amount.
fn without_currency(field: &str, value: &str) -> String {
    let amount = value.trim();
    let plain =
        amount.bytes().any(|byte| byte.is_ascii_digit()) && amount.bytes().all(|byte| byte.is_ascii_digit() || b".-".contains(&byte));
    if plain {
        format!("add the currency, `--set \"{field}={amount} MYR\"` or `--set currency=MYR`")
    } else {
        format!("expected an amount and its currency, as in `--set \"{field}=9.00 MYR\"`")
    }
}

fn exit_code(verification: &Value, until_final: bool) -> u8 {
    let settled = match text(verification, "status") {
        "final" | "expired" => true,
        "canceled" | "failed" => false,
        _ => !until_final,
    };
    match verification["verdict"].as_str().filter(|_| settled) {
        Some("supported") => 0,
        Some("refuted") => REFUTED,
        Some("insufficient") => INSUFFICIENT,
        _ => NO_VERDICT,
    }
}

fn print_result(verification: &Value) {
    let result = if verification["final"].is_null() { &verification["provisional"] } else { &verification["final"] };
    println!(
        "{}  {}  {}",
        text(verification, "id"),
        text(verification, "status"),
        verification["verdict"].as_str().unwrap_or("no verdict")
    );
    for check in result["checks"].as_array().into_iter().flatten() {
        let blockers: Vec<&str> = check["blockers"].as_array().into_iter().flatten().map(|blocker| text(blocker, "kind")).collect();
        println!(
            "  {:<12} {:<12} {:.2}  claimed {}  found {}{}",
            text(check, "field"),
            text(check, "verdict"),
            check["confidence"].as_f64().unwrap_or_default(),
            plain(&check["claimed"]),
            plain(&check["found"]),
            if blockers.is_empty() { String::new() } else { format!("  ({})", blockers.join(", ")) }
        );
    }
    for blocker in result["blockers"].as_array().into_iter().flatten() {
        println!("  blocker: {}", text(blocker, "kind"));
    }
}

/// A value as a person writes it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(object) => object.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn progress_line(verification: &Value) -> String {
    let progress = &verification["progress"];
    match (progress["stage"].as_str(), progress["blocks_done"].as_u64(), progress["blocks_total"].as_u64()) {
        (Some(stage), Some(done), Some(total)) => format!("{stage}, {done} of {total} blocks"),
        _ => text(verification, "status").to_owned(),
    }
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// A spinner on a terminal, plain lines in a pipe, nothing beside JSON.
enum Progress {
    Terminal(ProgressBar),
    Lines,
    Silent,
}

impl Progress {
    fn start(json: bool) -> Self {
        if json {
            Self::Silent
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new_spinner().with_style(
                ProgressStyle::with_template("{spinner} {msg} ({elapsed})").unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.enable_steady_tick(Duration::from_millis(100));
            Self::Terminal(bar)
        } else {
            Self::Lines
        }
    }

    fn say(&self, sentence: String) {
        match self {
            Self::Terminal(bar) => bar.set_message(sentence),
            Self::Lines => eprintln!("verify: {sentence}"),
            Self::Silent => {}
        }
    }

    fn end(&self) {
        if let Self::Terminal(bar) = self {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(settings: &[&str]) -> Result<Value> {
        let schema = domain::claim_type::find("expense_receipt").unwrap();
        let mut claim = Map::new();
        set_fields(&schema, &mut claim, &settings.iter().map(|setting| (*setting).to_owned()).collect::<Vec<_>>())?;
        Ok(Value::Object(claim))
    }

    #[test]
    fn money_takes_its_currency_from_itself_or_beside_it() {
        let money = json!({ "amount": "9.00", "currency": "MYR" });
        assert_eq!(fields(&["total=9.00 MYR"]).unwrap()["total"], money);
        assert_eq!(fields(&["total=9.00", "currency=MYR"]).unwrap()["total"], money);
        assert!(fields(&["total=9.00"]).unwrap_err().to_string().contains("`--set \"total=9.00 MYR\"`"));
        let advice = fields(&["total=abc"]).unwrap_err().to_string();
        assert!(advice.contains("`--set \"total=9.00 MYR\"`") && !advice.contains("abc MYR"), "{advice}");
    }

    #[test]
    fn addresses_keys_and_folders_that_cannot_work_are_noticed_before_anything_is_sent() {
        for url in ["nonsense", "127.0.0.1:17400", "localhost:17400", "ftp://host/", "http://", ""] {
            assert!(check_address(url).is_err(), "{url}");
        }
        assert!(check_address("http://127.0.0.1:17400").is_ok() && check_address("https://assay.example/base").is_ok());
        for key in ["", " ", "assay live", "k\n"] {
            let sentence = check_key(key).unwrap_err().to_string();
            assert!(sentence.contains("ASSAY_API_KEY") && !sentence.contains("assay live"), "{sentence}");
        }
        assert!(check_key("assay_live_0123").is_ok());
        let folder = tempfile::tempdir().unwrap();
        assert!(check_file(folder.path()).unwrap_err().to_string().contains("is a folder"));
        assert!(check_file(&folder.path().join("nothing")).is_err());
    }

    #[test]
    fn an_unknown_claim_type_is_told_with_the_known_ones() {
        let types = || domain::claim_type::built_in().iter().map(|found| serde_json::to_value(found).unwrap()).collect::<Vec<_>>();
        assert_eq!(find_type(types(), "invoice").unwrap().name, "invoice");
        let error = find_type(types(), "marriage").unwrap_err();
        assert!(error.is::<Unfit>());
        let sentence = error.to_string();
        assert!(sentence.contains("`marriage`") && sentence.contains("expense_receipt, invoice, statement, photo"), "{sentence}");
    }

    #[test]
    fn unknown_fields_and_missing_values_say_what_to_do() {
        assert!(fields(&["colour=red"]).unwrap_err().to_string().contains("merchant, date, total"));
        assert!(fields(&["date"]).unwrap_err().to_string().contains("FIELD=VALUE"));
    }

    #[test]
    fn a_verdict_counts_only_where_it_stands() {
        let code = |status: &str, verdict: &str, until_final| exit_code(&json!({ "status": status, "verdict": verdict }), until_final);
        assert_eq!((code("final", "supported", true), code("expired", "insufficient", true)), (0, INSUFFICIENT));
        assert_eq!((code("provisional", "refuted", false), code("in_review", "supported", false)), (REFUTED, 0));
        assert_eq!((code("in_review", "supported", true), code("provisional", "supported", true)), (NO_VERDICT, NO_VERDICT));
        assert_eq!((code("canceled", "supported", false), code("failed", "supported", false)), (NO_VERDICT, NO_VERDICT));
    }
}
