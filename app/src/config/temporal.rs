//! The Temporal server.

use super::{Reader, Variable};

const ADDRESS: Variable = Variable::required("ASSAY_TEMPORAL_ADDRESS", "the gRPC address of the Temporal frontend, `http://host:7233`");
const NAMESPACE: Variable =
    Variable::with_default("ASSAY_TEMPORAL_NAMESPACE", "assay", "the Temporal namespace; `assay migrate` creates it");
const RETENTION_DAYS: Variable = Variable::with_default(
    "ASSAY_TEMPORAL_RETENTION_DAYS",
    "30",
    "how many days closed workflows stay visible; set when the namespace is created",
);
const UI_URL: Variable = Variable::with_default("ASSAY_TEMPORAL_UI_URL", "", "the address of the Temporal Web UI, for links");

pub(super) const VARIABLES: &[Variable] = &[ADDRESS, NAMESPACE, RETENTION_DAYS, UI_URL];

/// How a role reaches Temporal.
#[derive(Debug, Clone)]
pub struct Temporal {
    pub address: String,
    pub namespace: String,
    pub retention_days: u64,
    pub ui_url: Option<String>,
}

impl Temporal {
    pub fn read(reader: &mut Reader) -> Self {
        Self {
            address: reader.url(ADDRESS, &["http", "https"]),
            namespace: reader.text(NAMESPACE),
            retention_days: reader.number(RETENTION_DAYS, 1..=3650),
            ui_url: reader.optional(UI_URL),
        }
    }

    /// For a role that only links to it: where the Web UI lists workflows, if there is a Web UI.
    pub fn read_ui(reader: &mut Reader) -> Option<String> {
        let namespace = reader.text(NAMESPACE);
        let ui = reader.optional(UI_URL)?;
        Some(format!("{}/namespaces/{namespace}/workflows", ui.trim_end_matches('/')))
    }
}
