//! Recorded histories of every main path, replayed against the workflow as it is now: a change that breaks work in flight fails here.
//!
//! A change to the order of steps comes with `ctx.patched` and a scenario of its own in `tests/src/scenario`. To record what is missing:
//!
//! ```text
//! cargo run -p tests --bin record-histories            # scenarios without a history
//! cargo run -p tests --bin record-histories -- NAME    # NAME anew: only where no release ever ran it
//! ```

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_sdk::workflow_replayer::{WorkflowReplayer, WorkflowReplayerOptions};
use tests::{path, record, scenario};
use workflows::delivery::DeliveryWorkflow;
use workflows::verification::VerificationWorkflow;

/// Events of a verification with one page: what keeps a million of them affordable.
const ONE_PAGE_EVENTS: usize = 60;

/// Every word that may stand in a history, beside ids and numbers.
const WORDS: &str = "
    normal when_unsure supported insufficient queued in_review final canceled expired failed machine reviewed receipt
    read extract unreadable_evidence model_unavailable MissingRecord
    prepare pages to of tell the kind each file find fields hold claim against evidence publish provisional result write
    review expiry sla lease escalate give back
    attempt next wait ended delivered disabled dead_letter
    keep-lease";

/// How the name of an evidence file would end, in messages of failures too.
const FILE_ENDINGS: [&str; 7] = [".jpg", ".jpeg", ".png", ".webp", ".tif", ".pdf", ".txt"];

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn recorded_histories_replay() -> Result<()> {
    for (name, history) in record::read_all()? {
        replay(history).await.with_context(|| format!("the workflow no longer goes the way of {name}"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn recorded_deliveries_replay() -> Result<()> {
    for (name, history) in record::read_deliveries()? {
        replay(history).await.with_context(|| format!("a delivery no longer goes the way of {name}"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_history_of_another_workflow_does_not_replay() -> Result<()> {
    for (name, history) in record::read_all()?.into_iter().chain(record::read_deliveries()?) {
        let refused = replay(with_other_ending(history)?).await.expect_err("an altered history must not replay").to_string();
        ensure!(refused.contains("nondeterministic"), "{name}: {refused}");
    }
    Ok(())
}

#[test]
fn every_scenario_is_recorded() -> Result<()> {
    let recorded: BTreeSet<String> = record::read_all()?.into_iter().map(|(name, _)| name).collect();
    let scenarios: BTreeSet<String> = scenario::all().into_iter().map(|scenario| scenario.name.to_owned()).collect();
    ensure!(scenarios.is_subset(&recorded), "not recorded: {:?}", scenarios.difference(&recorded));
    let recorded: BTreeSet<String> = record::read_deliveries()?.into_iter().map(|(name, _)| name).collect();
    let paths: BTreeSet<String> = path::all().into_iter().map(|path| path.name.to_owned()).collect();
    ensure!(paths.is_subset(&recorded), "not recorded: {:?}", paths.difference(&recorded));
    Ok(())
}

#[test]
fn one_page_stays_affordable() -> Result<()> {
    let histories = record::read_all()?;
    let (_, history) = histories.iter().find(|(name, _)| name == "one-page").context("the path of one page is recorded")?;
    ensure!(history.events.len() <= ONE_PAGE_EVENTS, "{} events", history.events.len());
    Ok(())
}

#[test]
fn only_ids_numbers_and_known_words_go_through_histories() -> Result<()> {
    for (name, history) in record::read_all()?.into_iter().chain(record::read_deliveries()?) {
        let history = serde_json::to_value(&history)?;
        let text = history.to_string();
        ensure!(!FILE_ENDINGS.iter().any(|ending| text.contains(ending)), "{name} names a file");
        let mut payloads = Vec::new();
        collect_payloads(&history, &mut payloads)?;
        ensure!(!payloads.is_empty(), "{name} has no payloads: the search is broken");
        for payload in payloads {
            check_words(&payload).with_context(|| format!("{name}: {payload}"))?;
        }
    }
    Ok(())
}

async fn replay(history: History) -> Result<()> {
    let options =
        WorkflowReplayerOptions::new().register_workflow::<VerificationWorkflow>()?.register_workflow::<DeliveryWorkflow>()?.build();
    Ok(WorkflowReplayer::new(options)?.replay_workflow(history.into()).await?)
}

/// The same history, had another activity written the result down.
fn with_other_ending(mut history: History) -> Result<History> {
    let scheduled = history.events.iter_mut().rev().find_map(|event| match event.attributes.as_mut() {
        Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) => scheduled.activity_type.as_mut(),
        _ => None,
    });
    scheduled.context("an activity")?.name = "finalise.otherwise".to_owned();
    Ok(history)
}

/// Everything that Temporal carries for us: inputs, results, details, summaries.
fn collect_payloads(value: &Value, found: &mut Vec<Value>) -> Result<()> {
    match value {
        Value::Object(fields) => {
            if let (Some(Value::String(data)), true) = (fields.get("data"), fields.contains_key("metadata")) {
                let bytes = BASE64_STANDARD.decode(data)?;
                if !bytes.is_empty() {
                    found.push(serde_json::from_slice(&bytes).context("a payload that is not JSON")?);
                }
                return Ok(());
            }
            fields.values().try_for_each(|value| collect_payloads(value, found))
        }
        Value::Array(values) => values.iter().try_for_each(|value| collect_payloads(value, found)),
        _ => Ok(()),
    }
}

fn check_words(payload: &Value) -> Result<()> {
    match payload {
        Value::String(text) => text.split_whitespace().try_for_each(|word| {
            let known =
                is_id(word) || word.bytes().all(|byte| byte.is_ascii_digit()) || WORDS.split_whitespace().any(|known| known == word);
            ensure!(known, "`{word}` is neither an id nor a known word");
            Ok(())
        }),
        Value::Array(values) => values.iter().try_for_each(check_words),
        Value::Object(fields) => fields.values().try_for_each(check_words),
        _ => Ok(()),
    }
}

fn is_id(word: &str) -> bool {
    let hexadecimal = |digits: &str| digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    word.split_once('_').is_some_and(|(prefix, digits)| prefix.len() == 3 && hexadecimal(digits))
}
