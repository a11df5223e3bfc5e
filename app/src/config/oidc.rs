//! Signing in to the desk through an organisation's own provider.

use review_ui::oidc::{ClientSecret, Issuer, RoleMap, Settings, callback};

use super::{Reader, Variable};

const ISSUER: Variable = Variable::with_default(
    "ASSAY_REVIEW_UI_OIDC_ISSUER",
    "",
    "the OpenID provider through which people may sign in to the desk, letter by letter as it names itself",
);
const CLIENT_ID: Variable =
    Variable::with_default("ASSAY_REVIEW_UI_OIDC_CLIENT_ID", "", "under which name the provider knows the desk; required with an issuer");
const CLIENT_SECRET: Variable = Variable::with_default(
    "ASSAY_REVIEW_UI_OIDC_CLIENT_SECRET",
    "",
    "proves to the provider that it is the desk; not set for a public client, which PKCE alone protects",
)
.secret();
const ROLES: Variable = Variable::with_default(
    "ASSAY_REVIEW_UI_OIDC_ROLES",
    "",
    "what the provider's groups mean here, as in `claims-team=acme:reviewer,claims-leads=acme:lead`; required with an issuer",
);
const GROUPS_CLAIM: Variable =
    Variable::with_default("ASSAY_REVIEW_UI_OIDC_GROUPS_CLAIM", "groups", "the claim of the ID token that holds a person's groups");
const SCOPES: Variable =
    Variable::with_default("ASSAY_REVIEW_UI_OIDC_SCOPES", "openid email profile", "what the provider is asked for, `openid` among it");
const LABEL: Variable =
    Variable::with_default("ASSAY_REVIEW_UI_OIDC_LABEL", "Sign in with your organisation", "what the button on the sign-in page says");

pub(super) const VARIABLES: &[Variable] = &[ISSUER, CLIENT_ID, CLIENT_SECRET, ROLES, GROUPS_CLAIM, SCOPES, LABEL];

/// The provider, if there is one. `public_url` is where people reach the desk; `public_variable` names it.
pub(super) fn read(reader: &mut Reader, public_url: Option<&str>, public_variable: Variable) -> Option<Settings> {
    let Some(issuer) = reader.optional(ISSUER) else {
        for variable in [CLIENT_ID, CLIENT_SECRET, ROLES] {
            if reader.optional(variable).is_some() {
                reader.problem(variable, format!("says something of a provider, but {} is not set", ISSUER.name));
            }
        }
        return None;
    };
    let parsed = Issuer::parse(&issuer);
    if let Err(problem) = &parsed {
        reader.problem(ISSUER, format!("`{issuer}` {problem}"));
    }
    let client_id = required(reader, CLIENT_ID);
    let client_secret = reader.optional(CLIENT_SECRET).map(ClientSecret::new);
    let roles = roles(reader);
    let groups_claim = reader.text(GROUPS_CLAIM);
    let scopes: Vec<String> = reader.text(SCOPES).split_whitespace().map(str::to_owned).collect();
    if !scopes.iter().any(|scope| scope == "openid") {
        reader.problem(SCOPES, "`openid` is not among them, so the provider would not say who somebody is".to_owned());
    }
    let label = reader.text(LABEL);
    match public_url {
        None => {
            reader.problem(public_variable, format!("is not set; with {} the provider must know where to send people back", ISSUER.name))
        }
        Some(url) => {
            if let Err(error) = callback(url) {
                reader.problem(public_variable, format!("`{url}` is no address: {error}"));
            }
        }
    }
    let (issuer, public_url) = (parsed.ok()?, public_url?.to_owned());
    Some(Settings { issuer, client_id, client_secret, groups_claim, roles, scopes, label, public_url })
}

fn roles(reader: &mut Reader) -> RoleMap {
    match required(reader, ROLES).parse::<RoleMap>() {
        Ok(roles) => roles,
        Err(problem) => {
            reader.problem(ROLES, problem);
            RoleMap::default()
        }
    }
}

fn required(reader: &mut Reader, variable: Variable) -> String {
    reader.optional(variable).unwrap_or_else(|| {
        reader.problem(variable, format!("is not set; it is {}", variable.purpose));
        String::new()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{ConfigProblems, ReviewUi, read};

    /// What the desk reads with these, names shortened, on top of a provider that can be used.
    fn desk(changes: &[(&str, &str)]) -> Result<ReviewUi, ConfigProblems> {
        let usable = [
            ("PUBLIC_URL", "https://desk.example.com"),
            ("OIDC_ISSUER", "https://id.example.com"),
            ("OIDC_CLIENT_ID", "assay"),
            ("OIDC_ROLES", "claims=acme:reviewer"),
        ];
        let all: BTreeMap<&str, &str> = usable.iter().chain(changes).copied().collect();
        let environment =
            |name: &str| name.strip_prefix("ASSAY_REVIEW_UI_").and_then(|name| all.get(name)).map(|value| (*value).to_owned());
        read(&environment, ReviewUi::read)
    }

    fn names(changes: &[(&str, &str)]) -> Vec<&'static str> {
        let problems = desk(changes).err().map(|ConfigProblems(problems)| problems).unwrap_or_default();
        problems.into_iter().map(|problem| problem.variable.trim_start_matches("ASSAY_REVIEW_UI_")).collect()
    }

    #[test]
    fn a_provider_needs_little_and_none_needs_nothing() {
        let settings = desk(&[]).unwrap().oidc.unwrap();
        assert_eq!((settings.issuer.as_str(), settings.groups_claim.as_str()), ("https://id.example.com", "groups"));
        assert_eq!(settings.scopes, ["openid", "email", "profile"]);
        assert!(settings.client_secret.is_none() && settings.label == "Sign in with your organisation");
        let nothing: Vec<(&str, &str)> = ["PUBLIC_URL", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_ROLES"].map(|name| (name, "")).to_vec();
        assert!(desk(&nothing).unwrap().oidc.is_none());
    }

    #[test]
    fn every_problem_of_a_provider_is_reported_by_name() {
        for (changes, problems) in [
            (vec![("PUBLIC_URL", "")], vec!["PUBLIC_URL"]),
            (vec![("PUBLIC_URL", "https://")], vec!["PUBLIC_URL"]),
            (vec![("OIDC_ISSUER", "http://id.example.com")], vec!["OIDC_ISSUER"]),
            (vec![("OIDC_ISSUER", "http://127.0.0.1:9000")], vec![]),
            (vec![("OIDC_ISSUER", "")], vec!["OIDC_CLIENT_ID", "OIDC_ROLES"]),
            (vec![("OIDC_CLIENT_ID", "")], vec!["OIDC_CLIENT_ID"]),
            (vec![("OIDC_ROLES", "claims=acme:chief")], vec!["OIDC_ROLES"]),
            (vec![("OIDC_SCOPES", "email")], vec!["OIDC_SCOPES"]),
            (
                vec![("PUBLIC_URL", ""), ("OIDC_ISSUER", "id"), ("OIDC_CLIENT_ID", " "), ("OIDC_ROLES", ""), ("OIDC_SCOPES", "x")],
                vec!["OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_ROLES", "OIDC_SCOPES", "PUBLIC_URL"],
            ),
        ] {
            assert_eq!(names(&changes), problems, "{changes:?}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        let settings = desk(&[("OIDC_CLIENT_SECRET", "hush-hush")]).unwrap();
        assert!(!format!("{settings:?}").contains("hush"), "{settings:?}");
    }
}
