//! `POST /queue/arrange`: a lead moves one review or several: to the front, to a person, out of the way, to the leads and back. What is
//! decided about them is not touched; decisions are made one by one.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use domain::id::{ReviewId, UserId};
use domain::person::Right;
use domain::queue::least_loaded;
use store::review::{self, Movable};
use store::user::{self, Membership};
use store::{TenantTx, tenant};

use super::queue::Choice;
use crate::form::{Form, Posted};
use crate::person::Person;
use crate::problem::Problem;
use crate::state::AppState;

/// As many as a page of the queue has lines.
const MOST: usize = 50;
/// People that a form offers; who is further down the alphabet gets reviews as the least loaded.
const PEOPLE: usize = 200;
/// Longest reason, in characters: it becomes a comment.
const LONGEST_REASON: usize = 500;
/// Choices beside the people of the form.
const LEAST: &str = "least";
const NOBODY: &str = "nobody";

/// For how long something can be put aside: seconds, and how people say it.
pub const SPANS: [(u32, &str); 6] =
    [(900, "15 minutes"), (3_600, "1 hour"), (10_800, "3 hours"), (28_800, "8 hours"), (86_400, "1 day"), (172_800, "2 days")];

/// What the form offers.
pub struct Offer {
    people: Vec<Choice>,
    spans: Vec<Choice>,
}

impl Offer {
    /// For who may arrange; nothing for others.
    pub async fn load(state: &AppState, person: &Person) -> Result<Option<Self>, Problem> {
        if !person.may(Right::Arrange) {
            return Ok(None);
        }
        let people = colleagues(state, person).await?;
        let known = people.iter().take(PEOPLE).map(|member| Choice::new(member.user_id.to_string(), member.name.clone(), ""));
        let first = [Choice::new(LEAST, "whoever has the least to do", LEAST), Choice::new(NOBODY, "nobody in particular", "")];
        Ok(Some(Self { people: first.into_iter().chain(known).collect(), spans: spans() }))
    }

    pub fn people(&self) -> &[Choice] {
        &self.people
    }

    pub fn spans(&self) -> &[Choice] {
        &self.spans
    }
}

/// The spans as a form offers them.
pub fn spans() -> Vec<Choice> {
    SPANS.into_iter().map(|(seconds, words)| Choice::new(seconds.to_string(), words, "3600")).collect()
}

/// Those of the tenant's people who may answer reviews, by name.
async fn colleagues(state: &AppState, person: &Person) -> Result<Vec<Membership>, Problem> {
    let mut tx = state.store.begin_relay().await?;
    let mut people = user::colleagues(&mut tx, person.tenant()).await?;
    tx.commit().await?;
    people.retain(|member| Right::Decide.of(&member.roles));
    Ok(people)
}

/// What is to be done.
enum Act {
    Assign(To),
    /// For so many seconds; 0 ends it.
    Snooze(u32),
    /// Urgent or not, and why.
    Boost(bool, String),
    Leads(String),
    HandBack(String),
}

enum To {
    Person(UserId),
    Least,
    Nobody,
}

/// How many reviews were moved, and why others were not. In an address: the five numbers with points between them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    pub moved: usize,
    /// They were so already.
    pub same: usize,
    /// Settled, or gone.
    pub settled: usize,
    /// Overdue, so that they cannot wait.
    pub late: usize,
    /// Nobody who was meant may answer them, or has room for another.
    pub nobody: usize,
}

impl Moved {
    fn left(self) -> [(usize, &'static str); 4] {
        [
            (self.same, "as it was wanted already"),
            (self.settled, "settled meanwhile"),
            (self.late, "overdue, so that it cannot wait"),
            (self.nobody, "for nobody who may answer it and has room for another"),
        ]
    }

    /// In a sentence; none where nothing was asked for.
    pub fn told(self) -> Option<String> {
        let left = self.left();
        if self.moved == 0 && left.iter().all(|(many, _)| *many == 0) {
            return None;
        }
        let mut words =
            vec![if self.moved == 1 { "1 review was moved.".to_owned() } else { format!("{} reviews were moved.", self.moved) }];
        words.extend(left.into_iter().filter(|(many, _)| *many > 0).map(|(many, why)| format!("Left as it was: {many} {why}.")));
        Some(words.join(" "))
    }

    fn word(self) -> String {
        let Self { moved, same, settled, late, nobody } = self;
        format!("{moved}.{same}.{settled}.{late}.{nobody}")
    }

    /// Nothing where the address says nonsense.
    pub fn read(word: &str) -> Self {
        let numbers: Option<Vec<usize>> = word.split('.').map(|number| number.parse().ok().filter(|many| *many <= MOST)).collect();
        match numbers.as_deref() {
            Some([moved, same, settled, late, nobody]) => {
                Self { moved: *moved, same: *same, settled: *settled, late: *late, nobody: *nobody }
            }
            _ => Self::default(),
        }
    }
}

/// `POST /queue/arrange`.
pub async fn arrange(State(state): State<AppState>, Posted(person, form): Posted) -> Result<Response, Problem> {
    person.require(Right::Arrange)?;
    let (act, ids) = (read(&form)?, chosen(&form)?);
    let people = match act {
        Act::Assign(_) => colleagues(&state, &person).await?,
        _ => Vec::new(),
    };
    let actor = person.actor();
    let mut tx = state.store.begin(person.tenant()).await?;
    let cap = tenant::policy(&mut tx).await?.review_assignment_cap;
    let mut loads = match act {
        Act::Assign(To::Least) => review::loads(&mut tx).await?,
        _ => BTreeMap::new(),
    };
    let mut moved = Moved::default();
    for id in ids {
        let Some(row) = review::movable(&mut tx, id).await? else {
            moved.settled += 1;
            continue;
        };
        let changed = match &act {
            Act::Assign(to) => {
                let wanted = match to {
                    To::Nobody => None,
                    To::Person(id) => Some(able(&mut tx, &row, &people).await?.into_iter().find(|able| able == id)),
                    To::Least => Some(least(&mut tx, &row, &people, &loads, cap).await?),
                };
                match wanted {
                    Some(None) => {
                        moved.nobody += 1;
                        continue;
                    }
                    wanted => {
                        let to = wanted.flatten();
                        let changed = review::assign(&mut tx, &row, to, &actor).await?;
                        if let (true, Some(to)) = (changed, to) {
                            *loads.entry(to).or_default() += 1;
                        }
                        changed
                    }
                }
            }
            Act::Snooze(seconds) => match review::snooze(&mut tx, &row, *seconds, &actor).await? {
                None => {
                    moved.late += 1;
                    continue;
                }
                Some(_) => true,
            },
            Act::Boost(urgent, why) => review::boost(&mut tx, &row, *urgent, &actor, why).await?,
            Act::Leads(why) => review::hand_to_leads(&mut tx, &row, &actor, why).await?,
            Act::HandBack(why) => review::hand_back(&mut tx, &row, &actor, why).await?,
        };
        if changed { moved.moved += 1 } else { moved.same += 1 }
    }
    tx.commit().await?;
    tracing::info!(moved = moved.moved, "A lead arranged the queue");
    Ok(Redirect::to(&back(&form, moved)).into_response())
}

/// Who may answer this one, of these.
async fn able(tx: &mut TenantTx, row: &Movable, people: &[Membership]) -> Result<Vec<UserId>, Problem> {
    let role = |member: &&Membership| !row.for_lead || Right::TakeOver.of(&member.roles);
    let ids: Vec<UserId> = people.iter().filter(role).map(|member| member.user_id).collect();
    Ok(review::eligible(tx, row.id, &ids).await?)
}

/// Whoever has the least to do. One who has this one already keeps it.
async fn least(
    tx: &mut TenantTx,
    row: &Movable,
    people: &[Membership],
    loads: &BTreeMap<UserId, u32>,
    cap: u32,
) -> Result<Option<UserId>, Problem> {
    let able = able(tx, row, people).await?;
    if let Some(has) = row.assigned_to.filter(|has| able.contains(has)) {
        return Ok(Some(has));
    }
    let at = least_loaded(able.iter().map(|id| loads.get(id).copied().unwrap_or_default()), cap);
    Ok(at.map(|at| able[at]))
}

fn read(form: &Form) -> Result<Act, Problem> {
    let why = || {
        let why = form
            .get("why")
            .ok_or_else(|| Problem::Invalid("Say why: whoever opens the review reads it. Go back and fill it in.".to_owned()))?;
        if why.chars().count() > LONGEST_REASON {
            return Err(Problem::Invalid(format!("Say it in at most {LONGEST_REASON} characters. Go back and shorten it.")));
        }
        Ok(why.to_owned())
    };
    Ok(match form.require("act")? {
        "assign" => Act::Assign(match form.require("to")? {
            LEAST => To::Least,
            NOBODY => To::Nobody,
            id => To::Person(id.parse().map_err(|_| Problem::NotFound)?),
        }),
        "snooze" => Act::Snooze(span(form.require("span")?)?),
        "wake" => Act::Snooze(0),
        "boost" => Act::Boost(true, why()?),
        "unboost" => Act::Boost(false, why()?),
        "leads" => Act::Leads(why()?),
        "hand_back" => Act::HandBack(why()?),
        _ => return Err(Problem::NotFound),
    })
}

/// One of the spans that forms offer, in seconds.
pub fn span(text: &str) -> Result<u32, Problem> {
    let known = text.parse().ok().filter(|seconds| SPANS.iter().any(|(known, _)| known == seconds));
    known.ok_or_else(|| Problem::Invalid("Choose one of the times that the form offers.".to_owned()))
}

/// The reviews that were ticked. In one order for everybody, so that two leads do not wait for each other.
fn chosen(form: &Form) -> Result<Vec<ReviewId>, Problem> {
    let mut ids = form.0.iter().filter(|(name, _)| name == "review").map(|(_, id)| id.parse().map_err(|_| Problem::NotFound));
    let mut ids: Vec<ReviewId> = ids.by_ref().collect::<Result<_, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    match ids.len() {
        0 => Err(Problem::Invalid("Nothing is ticked. Go back and tick what is to be moved.".to_owned())),
        1..=MOST => Ok(ids),
        _ => Err(Problem::Invalid(format!("At most {MOST} at once. Go back and tick fewer."))),
    }
}

/// Where the form was: the review, or the same list.
fn back(form: &Form, moved: Moved) -> String {
    let review = form.get("of").and_then(|id| id.parse::<ReviewId>().ok());
    let path = review.map_or_else(|| "/?".to_owned(), |id| format!("/reviews/{id}?"));
    let mut query = form_urlencoded::Serializer::for_suffix(path.clone(), path.len());
    if review.is_none() {
        for name in ["show", "claim_type", "reason"] {
            if let Some(value) = form.get(name) {
                query.append_pair(name, value);
            }
        }
    }
    query.append_pair("moved", &moved.word()).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Form {
        Form(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn what_was_moved_is_told_and_what_was_not_with_the_reason() {
        assert_eq!(Moved::default().told(), None);
        let all = Moved { moved: 1, same: 2, settled: 3, late: 4, nobody: 50 };
        assert_eq!(Moved::read(&all.word()), all);
        for nonsense in ["", "1", "1.2.3.4.51", "1.2.3.4.-5", "1.2.3.4.5.6", "x.2.3.4.5"] {
            assert_eq!(Moved::read(nonsense), Moved::default(), "{nonsense}");
        }
        assert_eq!(Moved { moved: 1, ..Moved::default() }.told().unwrap(), "1 review was moved.");
        let told = Moved { moved: 2, late: 1, nobody: 3, ..Moved::default() }.told().unwrap();
        assert_eq!(
            told,
            "2 reviews were moved. Left as it was: 1 overdue, so that it cannot wait. Left as it was: 3 for nobody who may answer it and has room for another."
        );
    }

    #[test]
    fn the_way_back_leads_into_the_desk_and_nowhere_else() {
        let moved = Moved { moved: 1, ..Moved::default() };
        let typed = form(&[("show", "overdue"), ("reason", "a&b=//evil.example"), ("after", "x")]);
        assert_eq!(back(&typed, moved), "/?show=overdue&reason=a%26b%3D%2F%2Fevil.example&moved=1.0.0.0.0");
        assert_eq!(back(&form(&[("of", "//evil.example")]), moved), "/?moved=1.0.0.0.0");
        let id = ReviewId::new();
        assert_eq!(back(&form(&[("of", &id.to_string())]), moved), format!("/reviews/{id}?moved=1.0.0.0.0"));
    }

    #[test]
    fn only_what_the_form_offers_is_done() {
        for (pairs, fine) in [
            (vec![("act", "assign"), ("to", "least")], true),
            (vec![("act", "assign"), ("to", "somebody")], false),
            (vec![("act", "assign")], false),
            (vec![("act", "snooze"), ("span", "3600")], true),
            (vec![("act", "snooze"), ("span", "3601")], false),
            (vec![("act", "snooze"), ("span", "-1")], false),
            (vec![("act", "boost")], false),
            (vec![("act", "boost"), ("why", "the customer waits")], true),
            (vec![("act", "decide"), ("why", "all of them")], false),
            (vec![], false),
        ] {
            assert_eq!(read(&form(&pairs)).is_ok(), fine, "{pairs:?}");
        }
        let long = "x".repeat(LONGEST_REASON + 1);
        assert!(read(&form(&[("act", "leads"), ("why", &long)])).is_err());
        assert!(chosen(&form(&[])).is_err() && chosen(&form(&[("review", "rev_1")])).is_err());
        let id = ReviewId::new().to_string();
        assert_eq!(chosen(&form(&[("review", &id), ("review", &id)])).unwrap().len(), 1);
    }
}
