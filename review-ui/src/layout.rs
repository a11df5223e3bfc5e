//! What surrounds every page of a signed-in person: where they are, for whom they work, and the way out.

use domain::id::Id;
use domain::level::Level;
use domain::person::Right;
use store::StoreError;
use store::user::{self, Membership};

use crate::person::Person;
use crate::state::AppState;
use crate::statics;

/// Which entry of the navigation a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Queue,
    Verifications,
    Submit,
    Operations,
    Keys,
    Webhooks,
    Policy,
    ClaimTypes,
    Help,
}

/// One entry of the navigation.
pub struct Entry {
    pub label: &'static str,
    pub path: &'static str,
    pub here: bool,
}

/// A tenant that the person can change to.
pub struct Tenant {
    pub id: String,
    pub name: String,
    pub here: bool,
}

/// The frame of a page.
pub struct Layout {
    pub title: String,
    pub entries: Vec<Entry>,
    pub statics: String,
    pub name: String,
    pub email: String,
    pub tenant: String,
    /// More than one only for those who belong to several.
    pub tenants: Vec<Tenant>,
    pub roles: String,
    pub level: &'static str,
    pub csrf: String,
}

impl Layout {
    /// The frame for this person; entries that are not for their roles are left out.
    pub async fn of(state: &AppState, person: &Person, place: Place, title: impl Into<String>) -> Result<Self, StoreError> {
        let mut tx = state.store.begin_relay().await?;
        let memberships = user::memberships(&mut tx, person.member.user_id).await?;
        tx.commit().await?;
        let tenants = memberships.iter().map(|member| tenant(member, person)).collect();
        let words: Vec<&str> = person.member.roles.iter().map(|role| role.as_str()).collect();
        Ok(Self {
            title: title.into(),
            entries: entries(person, place),
            statics: statics::base(),
            name: person.member.name.clone(),
            email: person.email.clone(),
            tenant: person.member.tenant_name.clone(),
            tenants,
            roles: words.join(", "),
            level: Level::L0.as_str(),
            csrf: person.csrf.clone(),
        })
    }
}

fn tenant(member: &Membership, person: &Person) -> Tenant {
    Tenant { id: member.tenant_id.uuid().to_string(), name: member.tenant_name.clone(), here: member.tenant_id == person.tenant() }
}

fn entries(person: &Person, here: Place) -> Vec<Entry> {
    let all = [
        (Place::Queue, "Queue", "/", Right::Read),
        (Place::Verifications, "Verifications", "/verifications", Right::Read),
        (Place::Submit, "Submit a claim", "/submit", Right::Submit),
        (Place::ClaimTypes, "Claim types", "/claim-types", Right::Read),
        (Place::Operations, "Operations", "/operations", Right::Operate),
        (Place::Policy, "Policy", "/policy", Right::Manage),
        (Place::Keys, "API keys", "/keys", Right::Manage),
        (Place::Webhooks, "Webhooks", "/webhooks", Right::Manage),
        (Place::Help, "Help", "/help", Right::Read),
    ];
    let allowed = all.into_iter().filter(|(_, _, _, right)| person.may(*right));
    allowed.map(|(place, label, path, _)| Entry { label, path, here: place == here }).collect()
}
