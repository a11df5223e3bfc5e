//! `POST /v1/verifications`: takes a claim and its evidence, once per `Idempotency-Key`.

use std::collections::HashSet;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use domain::claim::Claim;
use domain::claim_type::{self, ClaimType};
use domain::id::{EvidenceId, VerificationId};
use domain::priority::Priority;
use domain::usage::Usage;
use domain::verification::Status;
use serde_json::Value;
use store::evidence::{self, EvidenceRow, EvidenceStatus};
use store::verification::{NewVerification, SubmitOutcome, VerificationRow, submit};
use store::{StoreError, tenant, usage};
use utoipa::ToSchema;

use super::view::{self, Verification};
use crate::answer::Answer;
use crate::auth::{Allowed, Caller, VerificationsWrite};
use crate::edge::RequestContext;
use crate::engine::StartVerification;
use crate::idempotency::{self, Idempotency};
use crate::input::{Fields, JsonBody, Waiting};
use crate::metrics::Metric;
use crate::problem::{Code, Document, InvalidField, Problem, answers_with_problem};
use crate::state::{AppState, Limits};
use crate::v1::evidence::view::is_rejected;
use crate::{relay, wait};

/// A claim and its evidence.
#[derive(Debug, ToSchema)]
#[schema(as = NewVerification)]
#[expect(dead_code, reason = "describes the JSON body; its members are read one by one")]
pub struct Request {
    /// Name of a claim type.
    #[schema(example = "expense_receipt")]
    claim_type: String,
    /// The values, by field of the claim type.
    #[schema(value_type = Object, example = json!({ "merchant": "Kedai Kopi", "date": "2018-03-30", "total": { "amount": "9.00", "currency": "MYR" } }))]
    claim: Value,
    /// Ids of uploaded files.
    #[schema(value_type = Vec<String>, min_items = 1)]
    evidence: Vec<EvidenceId>,
    /// `urgent`, `high`, `normal` or `batch`.
    #[schema(value_type = Option<String>, example = "normal")]
    priority: Option<Priority>,
    /// Anything that the client wants back; at most 16 KiB. A number that would come back as another (`12345678901234567890123`) is refused with
    /// `number_not_kept`: send it as a string.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Value>,
}

/// Why a claim was not taken.
#[derive(Debug)]
pub enum Error {
    /// The body as a whole, its members or the key's header.
    Request(Problem),
    UnknownClaimType,
    InvalidClaim(Vec<InvalidField>),
    UnknownEvidence(Vec<InvalidField>),
    EvidenceNotReady(Vec<InvalidField>),
    /// The key belongs to another request.
    KeyReused,
    /// The first request with the key still runs.
    InProgress,
    Store(StoreError),
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Request(problem) => problem,
            Error::UnknownClaimType => {
                let fault = InvalidField::at("/claim_type", "unknown_claim_type", "no such claim type");
                Self::new(Code::UnknownClaimType).errors(vec![fault])
            }
            Error::InvalidClaim(errors) => Self::new(Code::InvalidClaim).errors(errors),
            Error::UnknownEvidence(errors) => Self::new(Code::UnknownEvidence).errors(errors),
            Error::EvidenceNotReady(errors) => Self::new(Code::EvidenceNotReady).errors(errors),
            Error::KeyReused => Self::new(Code::IdempotencyKeyReused),
            Error::InProgress => Self::new(Code::IdempotencyInProgress),
            Error::Store(error) => error.into(),
        }
    }
}
answers_with_problem!(Error);

/// Start a verification.
#[utoipa::path(
    post, path = "/v1/verifications", operation_id = "create_verification", tag = "verifications",
    params(
        ("Idempotency-Key" = String, Header, description = "A fresh random value per request, the same one when repeating it; kept for 48 hours"),
        ("Prefer" = Option<String>, Header, description = "`wait=N` (seconds, at most 60) to get the provisional result if it is ready in time, or `respond-async`"),
    ),
    request_body = Request,
    responses(
        (status = 200, description = "The provisional result was ready in time", body = Verification),
        (status = 202, description = "Accepted; `Location` says where to look, `Retry-After` when", body = Verification),
        (status = 404, description = "Evidence is unknown", body = Document, content_type = "application/problem+json"),
        (status = 409, description = "The first request with this key still runs, or an upload is not complete", body = Document, content_type = "application/problem+json"),
        (status = 413, description = "More than a megabyte", body = Document, content_type = "application/problem+json"),
        (status = 415, description = "Not JSON", body = Document, content_type = "application/problem+json"),
        (status = 422, description = "The body or the claim is not valid, or the key belongs to another request", body = Document, content_type = "application/problem+json"),
    )
)]
pub async fn handler(
    State(state): State<AppState>,
    caller: Allowed<VerificationsWrite>,
    context: RequestContext,
    repeat: Idempotency,
    headers: HeaderMap,
    JsonBody(body): JsonBody,
) -> Result<Answer, Error> {
    let key = repeat.required()?.of_json(&body);
    let waiting = Waiting::from_prefer(&headers);
    let submission = Submission::parse(&body, &state.limits)?;

    let mut tx = state.store.begin(caller.tenant).await?;
    let files = evidence::get_many(&mut tx, &submission.evidence).await?;
    check_evidence(&submission.evidence, &files)?;
    let policy = tenant::policy(&mut tx).await?;
    let new = submission.into_new(VerificationId::new(), policy, &caller, context.trace_parent);
    let row = match submit(&mut tx, new, key.clone(), &caller.actor()).await? {
        SubmitOutcome::Accepted(row) => row,
        SubmitOutcome::Duplicate { response: Some(stored), .. } => return Ok(idempotency::replay(stored)),
        // The answer is kept in the commit of the submission, so this is a row from before that was so.
        SubmitOutcome::Duplicate { verification_id, response: None } => {
            let (_, row) =
                wait::until(&state, caller.tenant, verification_id, waiting.time, is_answered).await?.ok_or(Error::InProgress)?;
            return accepted(&row);
        }
        SubmitOutcome::FingerprintMismatch => return Err(Error::KeyReused),
        SubmitOutcome::InProgress => return Err(Error::InProgress),
    };
    tracing::Span::current().record("verification.id", tracing::field::display(row.id));
    let bytes = files.iter().map(|file| file.size.unsigned_abs()).sum();
    usage::append(&mut tx, row.id, &Usage { stage: "intake".into(), bytes, ..Usage::default() }, "intake").await?;
    let answer = accepted(&row)?;
    idempotency::keep(&mut tx, key.as_ref(), &answer).await?;
    // The one commit point: before it nothing happened, after it nothing is lost.
    tx.commit().await?;
    metrics::counter!(Metric::VerificationsAcceptedTotal.as_str(), "claim_type" => row.claim_type.clone()).increment(1);

    // Started now for speed. If this fails, or we die here, the outbox row starts it; the workflow id makes the second start a no-op.
    relay::try_now(&state, "start", state.engine.start(StartVerification::of(&row))).await;

    let wished = waiting.applied();
    if waiting.time.is_zero() {
        return Ok(answer.headers(wished));
    }
    // It is accepted, so a failure from here on is no reason to answer anything but that.
    match finished_in_time(&state, &caller, &row, &waiting).await {
        Ok(Some(better)) => {
            if let Err(error) = idempotency::replace(&state, caller.tenant, key.as_ref(), &better).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "The answer of {} was not kept; a repeat gets the first one",
                    row.id
                );
                return Ok(answer.headers(wished));
            }
            Ok(better.headers(wished))
        }
        Ok(None) => Ok(answer.headers(wished)),
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "Waiting for {} was cut short", row.id);
            Ok(answer.headers(wished))
        }
    }
}

/// What the body says, checked as far as the body alone allows.
struct Submission {
    claim_type: ClaimType,
    claim: Value,
    evidence: Vec<EvidenceId>,
    priority: Priority,
    metadata: Value,
}

impl Submission {
    fn parse(body: &Value, limits: &Limits) -> Result<Self, Error> {
        let mut fields = Fields::of(body);
        let name = fields.text("claim_type", 100);
        let claim = fields.required("claim");
        let priority = fields.optional_word("priority", Priority::parse, "urgent, high, normal or batch").unwrap_or_default();
        let evidence = evidence_ids(&mut fields, limits.evidence_per_verification);
        let metadata = metadata(&mut fields, limits.metadata_bytes);
        let errors = fields.into_errors();
        // A claim is only worth a look when its type is known; both reports then come together.
        let claim_type = claim_type::find(&name);
        let mut claim_errors = Vec::new();
        if let (Some(claim_type), Some(claim)) = (&claim_type, claim)
            && let Err(found) = Claim::parse(claim_type, claim)
        {
            claim_errors.extend(found.into_iter().map(|error| InvalidField::of_claim("/claim", error)));
        }
        if !errors.is_empty() {
            return Err(Error::Request(Problem::new(Code::InvalidBody).errors([errors, claim_errors].concat())));
        }
        if !claim_errors.is_empty() {
            return Err(Error::InvalidClaim(claim_errors));
        }
        let (Some(claim_type), Some(claim)) = (claim_type, claim) else { return Err(Error::UnknownClaimType) };
        Ok(Self { claim_type, claim: claim.clone(), evidence, priority, metadata })
    }

    fn into_new(self, id: VerificationId, policy: domain::policy::Policy, caller: &Caller, trace_parent: String) -> NewVerification {
        NewVerification {
            id,
            claim_type: self.claim_type.name,
            claim_type_version: self.claim_type.version,
            claim: self.claim,
            priority: self.priority,
            metadata: self.metadata,
            policy,
            evidence_ids: self.evidence,
            livemode: caller.livemode,
            trace_parent: Some(trace_parent),
        }
    }
}

pub(super) fn evidence_ids(fields: &mut Fields<'_>, most: usize) -> Vec<EvidenceId> {
    let items = fields.list("evidence", most, "id of an uploaded file");
    let mut ids = Vec::new();
    let mut seen = HashSet::new();
    for (index, item) in items.iter().enumerate() {
        match item.as_str().map(str::parse::<EvidenceId>) {
            Some(Ok(id)) if seen.insert(id) => ids.push(id),
            Some(Ok(_)) => fields.wrong_item("evidence", index, "repeated", "this file is listed before"),
            // Text that is no id is an id that names nothing: told with the unknown ones would need a query, so it is told here.
            _ => fields.wrong_item("evidence", index, "not_an_id", "expected an id like evd_0190163d8694739b8a2f1c9e5d4b6a70"),
        }
    }
    ids
}

fn metadata(fields: &mut Fields<'_>, most: usize) -> Value {
    match fields.value("metadata") {
        None => Value::Object(serde_json::Map::new()),
        Some(value @ Value::Object(_)) if value.to_string().len() <= most => value.clone(),
        Some(Value::Object(_)) => {
            fields.wrong("metadata", "too_long", &format!("expected at most {most} bytes of JSON"));
            Value::Null
        }
        Some(_) => {
            fields.wrong("metadata", "not_an_object", "expected an object");
            Value::Null
        }
    }
}

/// Another tenant's file is as unknown as one that never was.
pub(super) fn check_evidence(ids: &[EvidenceId], files: &[EvidenceRow]) -> Result<(), Error> {
    let mut unknown = Vec::new();
    let mut unready = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let pointer = format!("/evidence/{index}");
        match files.iter().find(|file| file.id == *id) {
            None => unknown.push(InvalidField::at(pointer, "unknown_evidence", "no such file")),
            Some(file) if is_rejected(file) => {
                unready.push(InvalidField::at(pointer, "evidence_rejected", "its bytes are no kind of file that is read"));
            }
            Some(file) if file.status != EvidenceStatus::Ready => {
                unready.push(InvalidField::at(pointer, "evidence_not_ready", "its upload is not complete"));
            }
            Some(_) => {}
        }
    }
    if !unknown.is_empty() {
        return Err(Error::UnknownEvidence(unknown));
    }
    if unready.is_empty() { Ok(()) } else { Err(Error::EvidenceNotReady(unready)) }
}

fn accepted(row: &VerificationRow) -> Result<Answer, Error> {
    let shown = Verification::of(row.clone(), view::Cost::default(), None);
    let answer = Answer::json(StatusCode::ACCEPTED, &shown)?;
    Ok(answer.header(header::LOCATION, format!("/v1/verifications/{}", row.id)).header(header::RETRY_AFTER, "1"))
}

/// Nothing better is to be had by waiting.
fn is_answered(row: &VerificationRow) -> bool {
    row.status.has_provisional() || row.status.is_terminal()
}

async fn finished_in_time(
    state: &AppState,
    caller: &Caller,
    row: &VerificationRow,
    waiting: &Waiting,
) -> Result<Option<Answer>, StoreError> {
    let seen = wait::until(state, caller.tenant, row.id, waiting.time, is_answered).await?;
    let Some((mut tx, row)) = seen.filter(|(_, row)| is_answered(row)) else { return Ok(None) };
    let location = format!("/v1/verifications/{}", row.id);
    let (shown, tag) = view::load(&mut tx, row).await?;
    let answer = Answer::json(StatusCode::OK, &shown).ok();
    Ok(answer.map(|answer| answer.header(header::LOCATION, location).header(header::ETAG, tag)))
}

impl StartVerification {
    /// The order to start work on a stored verification.
    pub fn of(row: &VerificationRow) -> Self {
        Self {
            tenant_id: row.tenant_id,
            verification_id: row.id,
            claim_type: row.claim_type.clone(),
            evidence: row.evidence_ids.clone(),
            priority: row.priority,
            policy: row.policy.clone(),
            trace_parent: row.trace_parent.clone(),
            // A round that was published is begun again, to wait where it waited; one that was not is still to be worked on.
            round: if matches!(row.status, Status::Queued | Status::Processing) { row.published } else { row.published.saturating_sub(1) },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Pointers and words of everything wrong with a body.
    fn faults(body: &Value) -> Vec<(String, String)> {
        let error = Submission::parse(body, &Limits::default()).err().expect("it is refused");
        Problem::from(error).errors.into_iter().map(|fault| (fault.pointer.unwrap_or_default(), fault.code)).collect()
    }

    fn with_evidence(evidence: Value) -> Value {
        let claim = json!({ "merchant": "M", "date": "2018-03-30", "total": { "amount": "9.00", "currency": "MYR" } });
        json!({ "claim_type": "expense_receipt", "claim": claim, "evidence": evidence })
    }

    #[test]
    fn an_item_of_the_evidence_is_named_by_its_index() {
        let id = EvidenceId::new();
        let found = faults(&with_evidence(json!([id, id, "evd_x"])));
        assert_eq!(found, [("/evidence/1".into(), "repeated".into()), ("/evidence/2".into(), "not_an_id".into())]);
    }

    #[test]
    fn evidence_and_bodies_of_the_wrong_shape_have_one_fault_each() {
        let many: Vec<EvidenceId> = (0..10_000).map(|_| EvidenceId::new()).collect();
        for (body, pointer, code) in [
            (with_evidence(json!(many)), "/evidence", "too_many"),
            (with_evidence(json!([])), "/evidence", "missing"),
            (with_evidence(Value::Null), "/evidence", "missing"),
            (with_evidence(json!("evd_x")), "/evidence", "not_a_list"),
            (Value::Null, "", "not_an_object"),
            (json!([1, 2]), "", "not_an_object"),
        ] {
            assert_eq!(faults(&body), [(pointer.to_owned(), code.to_owned())]);
        }
    }
}
