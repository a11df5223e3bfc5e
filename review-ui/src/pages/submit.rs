//! Submitting a claim by hand: choose its type, fill in the fields, add the files, watch the result arrive.

use askama::Template;
use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use bytes::{Bytes, BytesMut};
use domain::claim::{Claim, FieldError};
use domain::claim_type::{self, ClaimType, FieldKind, FieldSpec};
use domain::evidence::MediaType;
use domain::id::{EvidenceId, VerificationId};
use domain::person::Right;
use domain::priority::Priority;
use domain::spelling;
use domain::usage::Usage;
use domain::verification::Status;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use store::evidence::{self, NewEvidence};
use store::objects::evidence_key;
use store::verification::{self, AddOutcome, IdempotencyKey, NewVerification, SubmitOutcome, submit};
use store::{TenantTx, tenant, usage};
use uuid::Uuid;

use crate::form::Form;
use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;

/// Bytes of all files of a form together. They are held in memory for a moment; larger ones go through the API.
const LARGEST: usize = 20 << 20;
/// Bytes of a whole form, its names and boundaries included.
pub const LARGEST_FORM: usize = LARGEST + (1 << 20);
const MOST_FILES: usize = 10;
/// Longest file name kept, in characters; as in the API.
const LONGEST_NAME: usize = 255;

#[derive(Template)]
#[template(path = "submit_choose.html")]
struct Choose {
    layout: Layout,
    kinds: Vec<ClaimType>,
}

/// `GET /submit`.
pub async fn choose(State(state): State<AppState>, person: Person) -> Result<Response, Problem> {
    person.require(Right::Submit)?;
    let layout = Layout::of(&state, &person, Place::Submit, "Submit a claim").await?;
    problem::page(&Choose { layout, kinds: claim_type::built_in() })
}

#[derive(Template)]
#[template(path = "submit.html")]
struct Page {
    layout: Layout,
    name: String,
    title: String,
    /// The same for every time that this form is sent.
    intent: String,
    inputs: Vec<Input>,
    files_fault: Option<String>,
    faults: usize,
}

struct Input {
    name: String,
    title: String,
    hint: &'static str,
    long: bool,
    kind: &'static str,
    required: bool,
    typed: String,
    fault: Option<String>,
}

/// `GET /submit/{claim_type}`.
pub async fn page(State(state): State<AppState>, person: Person, Path(name): Path<String>) -> Result<Response, Problem> {
    person.require(Right::Submit)?;
    let claim_type = claim_type::find(&name).ok_or(Problem::NotFound)?;
    shown(&state, &person, &claim_type, &Form::default(), &[]).await
}

/// What is wrong: the input's name, and a sentence.
type Faults = Vec<(String, String)>;

async fn shown(
    state: &AppState,
    person: &Person,
    claim_type: &ClaimType,
    form: &Form,
    faults: &[(String, String)],
) -> Result<Response, Problem> {
    let layout = Layout::of(state, person, Place::Submit, claim_type.title.clone()).await?;
    let fault = |name: &str| faults.iter().find(|(input, _)| input == name).map(|(_, text)| text.clone());
    let input = |field: &FieldSpec| {
        let (hint, kind) = hint(field.kind);
        Input {
            typed: form.get(&field.name).unwrap_or_default().to_owned(),
            fault: fault(&field.name),
            title: field.title.clone(),
            long: matches!(field.kind, FieldKind::Address | FieldKind::Statement | FieldKind::Photo),
            required: field.required,
            name: field.name.clone(),
            hint,
            kind,
        }
    };
    let page = Page {
        layout,
        name: claim_type.name.clone(),
        title: claim_type.title.clone(),
        intent: form.get("intent").map_or_else(|| Uuid::now_v7().to_string(), str::to_owned),
        inputs: claim_type.fields.iter().map(input).collect(),
        files_fault: fault("files"),
        faults: faults.len(),
    };
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, Html(page.render()?)).into_response())
}

fn hint(kind: FieldKind) -> (&'static str, &'static str) {
    match kind {
        FieldKind::Money => ("Amount and currency, as in 9.00 MYR", "text"),
        FieldKind::Date => ("", "date"),
        FieldKind::Quantity => ("Number and unit, as in 2.5 kg", "text"),
        FieldKind::Statement => ("One sentence that the evidence should say", "text"),
        FieldKind::Photo => ("What the picture should show", "text"),
        FieldKind::Name | FieldKind::Identifier | FieldKind::Address | FieldKind::Text => ("", "text"),
    }
}

/// `POST /submit/{claim_type}`. Sent twice, it is one verification.
pub async fn send(State(state): State<AppState>, person: Person, Path(name): Path<String>, body: Multipart) -> Result<Response, Problem> {
    person.require(Right::Submit)?;
    let claim_type = claim_type::find(&name).ok_or(Problem::NotFound)?;
    let (form, files) = read(body).await?;
    if !form.belongs_to(&person.csrf) {
        return Err(Problem::Csrf);
    }
    let intent = Uuid::try_parse(form.require("intent")?).map_err(|_| Problem::Csrf)?;
    let (claim, mut faults) = claim(&claim_type, &form);
    if files.is_empty() {
        faults.push(("files".to_owned(), "Add at least one file".to_owned()));
    }
    faults.extend(files.iter().filter_map(File::fault).map(|fault| ("files".to_owned(), fault)));
    if !faults.is_empty() {
        return shown(&state, &person, &claim_type, &form, &faults).await;
    }
    let id = accept(&state, &person, &claim_type, claim, files, intent).await?;
    Ok(Redirect::to(&format!("/verifications/{id}")).into_response())
}

/// `POST /verifications/{id}/evidence`: what was asked for. The same verification goes on.
pub async fn add(State(state): State<AppState>, person: Person, Path(id): Path<String>, body: Multipart) -> Result<Response, Problem> {
    person.require(Right::Submit)?;
    let id: VerificationId = id.parse().map_err(|_| Problem::NotFound)?;
    let (form, files) = read(body).await?;
    if !form.belongs_to(&person.csrf) {
        return Err(Problem::Csrf);
    }
    if let Some(fault) = files.iter().find_map(File::fault) {
        return Err(Problem::Invalid(format!("{fault}. Nothing was added.")));
    }
    if files.is_empty() {
        return Err(Problem::Invalid("Choose at least one file.".to_owned()));
    }
    let files = weigh(&person, files);
    let actor = person.actor();
    // Looked at before anything is stored: an object that no row names is never found again.
    let mut tx = state.store.begin(person.tenant()).await?;
    let row = verification::get(&mut tx, id).await?.ok_or(Problem::NotFound)?;
    if row.status != Status::AwaitingEvidence {
        return Err(gone_on(id));
    }
    let there = evidence::get_many(&mut tx, &row.evidence_ids).await?;
    drop(tx);
    if files.iter().all(|(new, _)| there.iter().any(|known| known.sha256 == new.sha256)) {
        return Err(nothing_new());
    }
    let stored = store_files(&state, files).await?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let (ids, _) = remember(&mut tx, &stored, &actor).await?;
    match verification::add_evidence(&mut tx, id, &ids, &actor).await? {
        AddOutcome::Added => tx.commit().await?,
        AddOutcome::NothingNew => return Err(nothing_new()),
        AddOutcome::NotAwaiting(_) => return Err(gone_on(id)),
        AddOutcome::NotFound => return Err(Problem::NotFound),
    }
    Ok(Redirect::to(&format!("/verifications/{id}")).into_response())
}

fn nothing_new() -> Problem {
    Problem::Invalid("These files are there already. Choose what was asked for.".to_owned())
}

fn gone_on(id: VerificationId) -> Problem {
    let detail = "Nobody waits for more evidence any more; nothing was added.".to_owned();
    Problem::Conflict { title: "It has gone on", detail, link: (format!("/verifications/{id}"), "See how it stands") }
}

struct File {
    name: String,
    bytes: Bytes,
    /// By content; none when it is nothing that is read.
    media_type: Option<MediaType>,
}

impl File {
    fn fault(&self) -> Option<String> {
        if self.bytes.is_empty() {
            return Some(format!("{} is empty", self.name));
        }
        self.media_type.is_none().then(|| format!("{} is none of JPEG, PNG, WebP, TIFF, PDF or text", self.name))
    }
}

async fn read(mut body: Multipart) -> Result<(Form, Vec<File>), Problem> {
    let (mut form, mut files, mut size) = (Form::default(), Vec::new(), 0);
    while let Some(mut part) = body.next_field().await.map_err(broken)? {
        let name = part.name().unwrap_or_default().to_owned();
        let filename = part.file_name().map(|name| name.chars().take(LONGEST_NAME).collect::<String>());
        let mut bytes = BytesMut::new();
        while let Some(piece) = part.chunk().await.map_err(broken)? {
            size += piece.len();
            if size > LARGEST {
                return Err(Problem::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
        match filename {
            // A browser sends an empty file without a name where none was chosen.
            Some(filename) if filename.is_empty() && bytes.is_empty() => {}
            Some(filename) if files.len() < MOST_FILES => {
                let media_type = MediaType::sniff(&bytes);
                files.push(File { name: filename.replace('\0', ""), bytes: bytes.freeze(), media_type });
            }
            Some(_) => return Err(Problem::Invalid(format!("At most {MOST_FILES} files at a time."))),
            None => form.0.push((name, String::from_utf8_lossy(&bytes).replace('\0', ""))),
        }
    }
    Ok((form, files))
}

fn broken(_: MultipartError) -> Problem {
    Problem::Invalid("The form did not arrive whole. Go back and send it again.".to_owned())
}

/// The claim that the form spells, and what is wrong with it by input.
fn claim(claim_type: &ClaimType, form: &Form) -> (Value, Faults) {
    let (mut members, mut faults) = (Map::new(), Faults::new());
    let currency = form.get("currency");
    for field in &claim_type.fields {
        let Some(line) = form.get(&field.name) else { continue };
        match spelling::read(field.kind, line, currency) {
            Ok(value) => {
                members.insert(field.name.clone(), value);
            }
            // Only money is more than its text.
            Err(spelling::NoCurrency) => faults.push((field.name.clone(), MONEY.to_owned())),
        }
    }
    let claim = Value::Object(members);
    if let Err(errors) = Claim::parse(claim_type, &claim) {
        for error in errors {
            let field = error.pointer.split('/').nth(1).unwrap_or_default().to_owned();
            if !faults.iter().any(|(name, _)| *name == field) {
                let told = sentence(claim_type.field(&field), &error);
                faults.push((field, told));
            }
        }
    }
    (claim, faults)
}

/// What may be typed for an amount.
const MONEY: &str = "Amount and currency, as in 9.00 MYR, with at most two decimals";

/// What is wrong with a field, in the words of the form.
fn sentence(field: Option<&FieldSpec>, error: &FieldError) -> String {
    let sentence = match (error.code.as_str(), field.map(|field| field.kind)) {
        ("missing", _) => "Fill this in",
        ("empty", _) => "At least one letter or digit",
        ("not_text", _) => "Text without control characters",
        ("too_long", _) => "At most 2,000 characters",
        ("not_a_currency", Some(FieldKind::Identifier)) => "The three letters of a currency, as in MYR",
        (_, Some(FieldKind::Money)) => MONEY,
        (_, Some(FieldKind::Quantity)) => "Number and unit, as in 2.5 kg",
        (_, Some(FieldKind::Date)) => "A date of the years 1900 to 2200, as in 2018-03-30",
        _ => return error.detail.clone(),
    };
    sentence.to_owned()
}

async fn accept(
    state: &AppState,
    person: &Person,
    claim_type: &ClaimType,
    claim: Value,
    files: Vec<File>,
    intent: Uuid,
) -> Result<VerificationId, Problem> {
    let actor = person.actor();
    let files = weigh(person, files);
    let mut fingerprint = Sha256::new().chain_update(claim.to_string());
    for (file, _) in &files {
        fingerprint.update(file.sha256);
    }
    let key = IdempotencyKey { key: format!("desk {actor} {intent}"), fingerprint: fingerprint.finalize().into() };
    // Looked at before anything is stored: an object that no row names is never found again.
    let mut tx = state.store.begin(person.tenant()).await?;
    if let Some(known) = verification::sent_before(&mut tx, &key).await? {
        return answered(known);
    }
    // Ended and not dropped: the look holds the key's lock, and one that is let go of only in the background would make the next look find
    // somebody at work with it, who is us.
    tx.commit().await?;
    let stored = store_files(state, files).await?;
    let mut tx = state.store.begin(person.tenant()).await?;
    let (evidence_ids, bytes) = remember(&mut tx, &stored, &actor).await?;
    let policy = tenant::policy(&mut tx).await?;
    let new = NewVerification {
        id: VerificationId::new(),
        claim_type: claim_type.name.clone(),
        claim_type_version: claim_type.version,
        claim,
        // Somebody waits in front of the page.
        priority: Priority::High,
        metadata: json!({}),
        policy,
        evidence_ids,
        livemode: true,
        trace_parent: None,
    };
    let id = match submit(&mut tx, new, Some(key), &actor).await? {
        SubmitOutcome::Accepted(row) => row.id,
        known => return answered(known),
    };
    usage::append(&mut tx, id, &Usage { stage: "intake".into(), bytes, ..Usage::default() }, "intake").await?;
    tx.commit().await?;
    tracing::info!(verification.id = %id, "A person submitted {id}");
    Ok(id)
}

/// What became of a form that was sent before.
fn answered(known: SubmitOutcome) -> Result<VerificationId, Problem> {
    match known {
        SubmitOutcome::Accepted(row) => Ok(row.id),
        SubmitOutcome::Duplicate { verification_id, .. } => Ok(verification_id),
        SubmitOutcome::FingerprintMismatch | SubmitOutcome::InProgress => Err(Problem::Conflict {
            title: "This form was sent before",
            detail: "The first one counts. Start a new form for another claim.".to_owned(),
            link: ("/verifications".to_owned(), "See what was sent"),
        }),
    }
}

/// The files as evidence will know them, beside their bytes.
fn weigh(person: &Person, files: Vec<File>) -> Vec<(NewEvidence, Bytes)> {
    let weigh = |file: File| {
        let sha256: [u8; 32] = Sha256::digest(&file.bytes).into();
        let new = NewEvidence {
            sha256,
            size: i64::try_from(file.bytes.len()).unwrap_or(i64::MAX),
            media_type: file.media_type.unwrap_or(MediaType::Text),
            filename: Some(file.name),
            object_key: evidence_key(person.tenant(), &sha256),
        };
        (new, file.bytes)
    };
    files.into_iter().map(weigh).collect()
}

/// Puts the bytes where their content says. Repeated, it puts the same bytes to the same place.
async fn store_files(state: &AppState, files: Vec<(NewEvidence, Bytes)>) -> Result<Vec<NewEvidence>, Problem> {
    let mut stored = Vec::new();
    for (new, bytes) in files {
        state.objects.put(&new.object_key, bytes, new.media_type.as_str(), new.sha256).await?;
        stored.push(new);
    }
    Ok(stored)
}

/// The ids of the files, each once, and their bytes together.
async fn remember(tx: &mut TenantTx, stored: &[NewEvidence], actor: &str) -> Result<(Vec<EvidenceId>, u64), Problem> {
    let (mut ids, mut bytes) = (Vec::new(), 0);
    for new in stored {
        let id = evidence::insert_ready(tx, new, actor).await?.row().id;
        bytes += new.size.unsigned_abs();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok((ids, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Form {
        Form(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_form_spells_a_claim() {
        let receipt = claim_type::find("expense_receipt").unwrap();
        let (read, faults) = claim(&receipt, &form(&[("merchant", "Bunga"), ("date", "2018-03-30"), ("total", "9.00 MYR")]));
        assert_eq!(faults, []);
        assert_eq!(read["total"], json!({ "amount": "9.00", "currency": "MYR" }));
    }

    #[test]
    fn what_is_wrong_is_told_by_input() {
        let receipt = claim_type::find("expense_receipt").unwrap();
        let (_, faults) = claim(&receipt, &form(&[("merchant", "Bunga"), ("date", "yesterday"), ("total", "9.00")]));
        let inputs: Vec<&str> = faults.iter().map(|(input, _)| input.as_str()).collect();
        assert!(inputs.contains(&"date") && inputs.contains(&"total"), "{faults:?}");
    }
}
