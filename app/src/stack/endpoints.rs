//! Where a running stack is reached, and the same as the environment variables that every role reads.

use super::objects::{BUCKET, REGION};
use super::ports::Ports;
use super::postgres::url;
use super::secrets::Secrets;

/// Temporal's namespace that Assay keeps for itself.
pub const NAMESPACE: &str = "assay";

/// On one machine whoever wants to try webhooks has nothing but that machine to receive them on.
const WEBHOOKS: [(&str, &str); 3] =
    [("ASSAY_WEBHOOKS_ALLOW", "127.0.0.0/8,::1/128"), ("ASSAY_WEBHOOKS_PORTS", "1-65535"), ("ASSAY_WEBHOOKS_PLAIN_HTTP", "true")];

/// Addresses, names and keys of one stack. Holds secrets: print [`Endpoints::pages`] instead.
#[derive(Clone)]
pub struct Endpoints {
    /// The role that owns the database and runs migrations.
    pub database_owner_url: String,
    /// The role that serves: row-level security holds for it.
    pub database_service_url: String,
    /// The role of background work that looks across tenants.
    pub database_relay_url: String,
    /// gRPC, as `http://host:port`.
    pub temporal_address: String,
    pub temporal_namespace: String,
    /// The server's own Prometheus page.
    pub temporal_metrics_url: String,
    pub temporal_ui_url: Option<String>,
    pub objects_endpoint: String,
    pub objects_region: String,
    pub objects_bucket: String,
    pub objects_access_key: String,
    pub objects_secret_key: String,
    pub gateway_url: String,
    pub review_ui_url: String,
    /// Health and metrics pages, by the name of the part.
    pub ops_urls: Vec<(String, String)>,
    /// Whether the stack runs Assay's roles, or leaves their addresses to roles that are run by hand.
    roles: bool,
}

impl Endpoints {
    pub(super) fn new(ports: Ports, secrets: &Secrets, ui: bool, roles: bool, workers: usize) -> Self {
        let at = |port: u16| format!("http://127.0.0.1:{port}");
        let database = |role, password: &str| url(ports.postgres(), role, password, "assay");
        let mut ops_urls = vec![("gateway".to_owned(), at(ports.gateway_ops())), ("review-ui".to_owned(), at(ports.review_ui_ops()))];
        ops_urls.extend((0..).take(workers).map(|index| (super::roles::worker_name(index), at(ports.worker_ops(index)))));
        Self {
            database_owner_url: database("assay_owner", &secrets.database_owner),
            database_service_url: database("assay_service", &secrets.database_service),
            database_relay_url: database("assay_relay", &secrets.database_relay),
            temporal_address: at(ports.temporal()),
            temporal_namespace: NAMESPACE.to_owned(),
            temporal_metrics_url: format!("{}/metrics", at(ports.temporal_metrics())),
            temporal_ui_url: ui.then(|| at(ports.temporal_ui())),
            objects_endpoint: at(ports.objects()),
            objects_region: REGION.to_owned(),
            objects_bucket: BUCKET.to_owned(),
            objects_access_key: secrets.objects_access_key.clone(),
            objects_secret_key: secrets.objects_secret_key.clone(),
            gateway_url: at(ports.gateway()),
            review_ui_url: at(ports.review_ui()),
            ops_urls,
            roles,
        }
    }

    /// The variables that every role and `assay migrate` read.
    pub fn environment(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("ASSAY_DATABASE_URL", &self.database_service_url),
            ("ASSAY_DATABASE_RELAY_URL", &self.database_relay_url),
            ("ASSAY_TEMPORAL_ADDRESS", &self.temporal_address),
            ("ASSAY_TEMPORAL_NAMESPACE", &self.temporal_namespace),
            ("ASSAY_OBJECTS_ENDPOINT", &self.objects_endpoint),
            ("ASSAY_OBJECTS_PUBLIC_ENDPOINT", &self.objects_endpoint),
            ("ASSAY_OBJECTS_REGION", &self.objects_region),
            ("ASSAY_OBJECTS_BUCKET", &self.objects_bucket),
            ("ASSAY_OBJECTS_ACCESS_KEY", &self.objects_access_key),
            ("ASSAY_OBJECTS_SECRET_KEY", &self.objects_secret_key),
        ];
        if let Some(ui) = &self.temporal_ui_url {
            variables.push(("ASSAY_TEMPORAL_UI_URL", ui));
        }
        let webhooks = WEBHOOKS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).chain(webhooks).collect()
    }

    /// The variable that only `assay migrate` reads, beside [`Self::environment`].
    pub fn owner_environment(&self) -> (String, String) {
        ("ASSAY_DATABASE_OWNER_URL".to_owned(), self.database_owner_url.clone())
    }

    /// What a terminal beside the stack wants to know, and no role gets this way: where the roles listen, and the names that the runbooks use.
    /// `ASSAY_OPS_LISTEN` is not among it, because each role has its own.
    pub fn terminal_environment(&self) -> Vec<(String, String)> {
        let bare = |url: &str| url.trim_start_matches("http://").to_owned();
        let mut variables = vec![
            ("ASSAY_GATEWAY_LISTEN", bare(&self.gateway_url)),
            ("ASSAY_REVIEW_UI_LISTEN", bare(&self.review_ui_url)),
            ("ASSAY_URL", self.gateway_url.clone()),
        ];
        if self.roles {
            let ops = |part: &str| self.ops_urls.iter().find(|(name, _)| name == part).map(|(_, url)| url.clone());
            variables.extend(ops("gateway").map(|url| ("GATEWAY_OPS", url)));
            variables.extend(ops("worker").map(|url| ("WORKER_OPS", url)));
            variables.extend(ops("review-ui").map(|url| ("DESK_OPS", url)));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What a person may open in a browser or call: name and address, without secrets.
    pub fn pages(&self) -> Vec<(String, String)> {
        let mut pages = Vec::new();
        if self.roles {
            pages.push(("API".to_owned(), self.gateway_url.clone()));
            pages.push(("review desk".to_owned(), self.review_ui_url.clone()));
        }
        pages.extend(self.temporal_ui_url.clone().map(|url| ("Temporal Web UI".to_owned(), url)));
        pages.push(("Temporal (gRPC)".to_owned(), self.temporal_address.clone()));
        pages.push(("Temporal metrics".to_owned(), self.temporal_metrics_url.clone()));
        pages.push(("S3 store".to_owned(), self.objects_endpoint.clone()));
        if self.roles {
            pages.extend(self.ops_urls.iter().map(|(name, url)| (format!("health of {name}"), format!("{url}/readyz"))));
        }
        pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::ports::Wish;

    #[test]
    fn every_variable_of_the_stack_is_one_that_the_roles_read() {
        let scratch = tempfile::tempdir().expect("a folder");
        let ports = Ports::choose(Wish::Any, &scratch.path().join("ports")).expect("ports");
        let secrets = Secrets::load_or_create(&scratch.path().join("secrets")).expect("secrets");
        let endpoints = Endpoints::new(ports, &secrets, true, true, 1);
        let read: Vec<&str> = crate::config::variables().iter().map(|variable| variable.name).collect();
        for (name, _) in endpoints.environment().into_iter().chain([endpoints.owner_environment()]) {
            assert!(read.contains(&name.as_str()), "{name} is set but never read");
        }
    }

    #[test]
    fn a_terminal_is_told_what_the_runbooks_name_of_a_stack_that_runs_its_roles() {
        let scratch = tempfile::tempdir().expect("a folder");
        let ports = Ports::choose(Wish::Any, &scratch.path().join("ports")).expect("ports");
        let secrets = Secrets::load_or_create(&scratch.path().join("secrets")).expect("secrets");
        let told = |roles| -> Vec<String> {
            let endpoints = Endpoints::new(ports, &secrets, true, roles, 2);
            endpoints.terminal_environment().into_iter().map(|(name, _)| name).collect()
        };
        let listening = ["ASSAY_GATEWAY_LISTEN", "ASSAY_REVIEW_UI_LISTEN", "ASSAY_URL"];
        assert_eq!(told(false), listening);
        assert_eq!(told(true), [&listening[..], &["GATEWAY_OPS", "WORKER_OPS", "DESK_OPS"]].concat());
    }
}
