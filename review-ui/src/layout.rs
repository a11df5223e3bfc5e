//! What surrounds every page of a signed-in person: where they are, for whom they work, and the way out.

use domain::id::Id;
use domain::person::Right;
use store::StoreError;
use store::user::{self, Membership};

use crate::level::Badge;
use crate::person::Person;
use crate::shortcuts::Shortcuts;
use crate::state::AppState;
use crate::statics;

/// Organisations that the head of a page offers to change to; the rest have a page.
const MOST_TENANTS: usize = 50;

/// Which entry of the navigation a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Queue,
    Me,
    Team,
    Verifications,
    Submit,
    Operations,
    Keys,
    Webhooks,
    Policy,
    ClaimTypes,
    Help,
    /// Under no entry.
    Elsewhere,
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
    /// What is looked at now and then, behind one entry of its own.
    pub settings: Vec<Entry>,
    pub statics: String,
    pub name: String,
    pub email: String,
    pub tenant: String,
    /// More than one only for those who belong to several.
    pub tenants: Vec<Tenant>,
    /// There are others than those.
    pub more_tenants: bool,
    pub roles: String,
    pub badge: Badge,
    /// The keys of this person.
    pub shortcuts: Shortcuts,
    /// Who only looks says nothing.
    pub may_comment: bool,
    pub csrf: String,
}

impl Layout {
    /// The frame for this person; entries that are not for their roles are left out.
    pub async fn of(state: &AppState, person: &Person, place: Place, title: impl Into<String>) -> Result<Self, StoreError> {
        let mut tx = state.store.begin_relay().await?;
        let memberships = user::memberships_after(&mut tx, person.member.user_id, "", MOST_TENANTS as i64 + 1).await?;
        tx.commit().await?;
        let more_tenants = memberships.len() > MOST_TENANTS;
        let mut tenants: Vec<Tenant> = memberships.iter().take(MOST_TENANTS).map(|member| tenant(member, person)).collect();
        if !tenants.iter().any(|tenant| tenant.here) {
            tenants.insert(0, tenant(&person.member, person));
        }
        let words: Vec<&str> = person.member.roles.iter().map(|role| role.as_str()).collect();
        Ok(Self {
            title: title.into(),
            entries: allowed(person, place, &DAILY),
            settings: allowed(person, place, &SETTINGS),
            statics: statics::base(),
            name: person.member.name.clone(),
            email: person.email.clone(),
            tenant: person.member.tenant_name.clone(),
            tenants,
            more_tenants,
            roles: words.join(", "),
            badge: Badge::now(),
            shortcuts: person.shortcuts.clone(),
            may_comment: person.may(Right::Submit),
            csrf: person.csrf.clone(),
        })
    }

    /// Whether the page is one of the settings.
    pub fn in_settings(&self) -> bool {
        self.settings.iter().any(|entry| entry.here)
    }
}

fn tenant(member: &Membership, person: &Person) -> Tenant {
    Tenant { id: member.tenant_id.uuid().to_string(), name: member.tenant_name.clone(), here: member.tenant_id == person.tenant() }
}

type Known = (Place, &'static str, &'static str, Right);

const DAILY: [Known; 7] = [
    (Place::Queue, "Queue", "/", Right::Read),
    (Place::Me, "My work", "/me", Right::Decide),
    (Place::Verifications, "Verifications", "/verifications", Right::Read),
    (Place::Submit, "Submit a claim", "/submit", Right::Submit),
    (Place::Team, "Team", "/team", Right::Oversee),
    (Place::Operations, "Operations", "/operations", Right::Operate),
    (Place::Help, "Help", "/help", Right::Read),
];
const SETTINGS: [Known; 4] = [
    (Place::Policy, "Policy", "/policy", Right::Read),
    (Place::ClaimTypes, "Claim types", "/claim-types", Right::Read),
    (Place::Keys, "API keys", "/keys", Right::Manage),
    (Place::Webhooks, "Webhooks", "/webhooks", Right::Manage),
];

fn allowed(person: &Person, here: Place, all: &[Known]) -> Vec<Entry> {
    let allowed = all.iter().filter(|(_, _, _, right)| person.may(*right));
    allowed.map(|(place, label, path, _)| Entry { label, path, here: *place == here }).collect()
}
