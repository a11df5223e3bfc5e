//! The claim types that there are: fields, how they are compared, and from which score the machine may decide.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::claim_type::{self, FieldKind};
use domain::person::Right;

use crate::layout::{Layout, Place};
use crate::person::Person;
use crate::problem::{self, Problem};
use crate::state::AppState;
use crate::words;

#[derive(Template)]
#[template(path = "claim_types.html")]
struct Page {
    layout: Layout,
    kinds: Vec<Kind>,
}

struct Kind {
    name: String,
    title: String,
    version: u32,
    fields: Vec<Field>,
    reasons: Vec<(String, String)>,
}

struct Field {
    name: String,
    title: String,
    kind: &'static str,
    required: bool,
    checked: bool,
    threshold: String,
}

/// `GET /claim-types`.
pub async fn page(State(state): State<AppState>, person: Person) -> Result<Response, Problem> {
    person.require(Right::Read)?;
    let field = |field: domain::claim_type::FieldSpec| Field {
        kind: kind(field.kind),
        required: field.required,
        checked: field.checked,
        threshold: words::percent(field.threshold),
        name: field.name,
        title: field.title,
    };
    let kinds = claim_type::built_in().into_iter().map(|known| Kind {
        name: known.name,
        title: known.title,
        version: known.version,
        fields: known.fields.into_iter().map(field).collect(),
        reasons: known.reasons.into_iter().map(|reason| (reason.code, reason.title)).collect(),
    });
    let layout = Layout::of(&state, &person, Place::ClaimTypes, "Claim types").await?;
    problem::page(&Page { layout, kinds: kinds.collect() })
}

fn kind(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Money => "money: amount and currency alike",
        FieldKind::Date => "date: the same day",
        FieldKind::Name => "name: spelling may differ a little",
        FieldKind::Identifier => "identifier: the same characters",
        FieldKind::Address => "address: by its parts",
        FieldKind::Quantity => "quantity: number and unit alike",
        FieldKind::Text => "text",
        FieldKind::Statement => "statement: needs an entailment model",
        FieldKind::Photo => "picture: needs an image model",
    }
}
