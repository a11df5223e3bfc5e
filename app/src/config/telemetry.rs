//! Logs and traces.

use super::{Reader, Variable};

const LOG: Variable = Variable::with_default(
    "ASSAY_LOG",
    "info,temporalio_sdk_core=warn,temporalio_client=warn,hyper=warn,aws_smithy_runtime=warn",
    "which log lines are written, as `level` or `target=level,...`",
);
const LOG_FORMAT: Variable = Variable::with_default("ASSAY_LOG_FORMAT", "json", "`json` for machines, `text` for people");
const OTLP_ENDPOINT: Variable =
    Variable::with_default("ASSAY_OTLP_ENDPOINT", "", "where traces go over OTLP with HTTP, `http://host:4318`; nowhere when not set");

pub(super) const VARIABLES: &[Variable] = &[LOG, LOG_FORMAT, OTLP_ENDPOINT];

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

impl std::str::FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("expected `json` or `text`"),
        }
    }
}

/// What a role says of itself, and where to.
#[derive(Debug, Clone)]
pub struct Telemetry {
    pub filter: String,
    pub format: LogFormat,
    pub otlp_endpoint: Option<String>,
}

impl Telemetry {
    pub fn read(reader: &mut Reader) -> Self {
        Self { filter: reader.text(LOG), format: reader.parsed(LOG_FORMAT, LogFormat::Json), otlp_endpoint: reader.optional(OTLP_ENDPOINT) }
    }
}
