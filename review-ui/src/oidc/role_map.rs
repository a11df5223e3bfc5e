//! What the provider's groups mean here.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use domain::person::Role;

/// Group by group, a role for a tenant. A group may give several, and several groups the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoleMap(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    group: String,
    tenant: String,
    role: Role,
}

impl RoleMap {
    /// The roles of somebody who is in these groups, by the name of the tenant. Groups are told apart by every letter.
    pub fn roles(&self, groups: &[String]) -> BTreeMap<&str, Vec<Role>> {
        let mut roles: BTreeMap<&str, BTreeSet<Role>> = BTreeMap::new();
        for entry in self.0.iter().filter(|entry| groups.contains(&entry.group)) {
            roles.entry(&entry.tenant).or_default().insert(entry.role);
        }
        roles.into_iter().map(|(tenant, roles)| (tenant, roles.into_iter().collect())).collect()
    }

    /// The names of the tenants that it speaks of, each once.
    pub fn tenants(&self) -> BTreeSet<&str> {
        self.0.iter().map(|entry| entry.tenant.as_str()).collect()
    }
}

impl FromStr for RoleMap {
    type Err = String;

    /// Reads `group=tenant:role,group=tenant:role`; says which part cannot be read.
    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let entries =
            parts.map(|part| entry(part).ok_or_else(|| format!("`{part}` is not like group=tenant:role"))).collect::<Result<_, _>>()?;
        Ok(Self(entries))
    }
}

/// From the right, because groups are named by others and may hold either sign.
fn entry(part: &str) -> Option<Entry> {
    let (rest, role) = part.rsplit_once(':')?;
    let (group, tenant) = rest.rsplit_once('=')?;
    let (group, tenant) = (group.trim(), tenant.trim());
    if group.is_empty() || tenant.is_empty() {
        return None;
    }
    Some(Entry { group: group.to_owned(), tenant: tenant.to_owned(), role: Role::parse(role.trim())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles<'a>(map: &'a RoleMap, groups: &[&str]) -> Vec<(&'a str, Vec<Role>)> {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        map.roles(&groups).into_iter().collect()
    }

    #[test]
    fn groups_add_up_and_strangers_get_nothing() {
        let map: RoleMap =
            "claims=acme:reviewer, claims=zenith:auditor,leads=acme:lead,all=acme:reviewer,/a=b:c=acme:operator".parse().unwrap();
        assert_eq!(roles(&map, &["claims"]), [("acme", vec![Role::Reviewer]), ("zenith", vec![Role::Auditor])]);
        assert_eq!(roles(&map, &["leads", "all", "claims", "x"])[0], ("acme", vec![Role::Reviewer, Role::Lead]));
        assert_eq!(roles(&map, &["/a=b:c"]), [("acme", vec![Role::Operator])]);
        for groups in [&[][..], &["Claims"], &["claims "], &[""]] {
            assert_eq!(roles(&map, groups), []);
        }
        assert_eq!(map.tenants().into_iter().collect::<Vec<_>>(), ["acme", "zenith"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for text in ["claims", "claims=acme", "claims:reviewer", "=acme:reviewer", "claims=:reviewer", "claims=acme:chief", "claims=acme:"]
        {
            let problem = format!("leads=acme:lead,{text}").parse::<RoleMap>().unwrap_err();
            assert!(problem.contains(&format!("`{text}`")), "{problem}");
        }
        assert_eq!(" , ".parse::<RoleMap>(), Ok(RoleMap::default()));
    }
}
