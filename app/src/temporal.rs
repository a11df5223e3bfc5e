//! The connection to Temporal, and what Assay needs there: a namespace and search attributes.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, GrpcCompression};
use temporalio_common::protos::temporal::api::enums::v1::IndexedValueType;
use temporalio_common::protos::temporal::api::operatorservice::v1::{AddSearchAttributesRequest, ListSearchAttributesRequest};
use temporalio_common::protos::temporal::api::workflowservice::v1::{
    CountWorkflowExecutionsRequest, DescribeNamespaceRequest, RegisterNamespaceRequest,
};
use temporalio_sdk::opentelemetry::OpenTelemetryPlugin;
use tonic::{Code, Request};

use crate::config::Temporal;

/// Without it a connection attempt may hang for ever.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Namespaces and search attributes reach every service of the server within seconds of their making.
const SETTLE: Duration = Duration::from_secs(60);
/// Between two looks at whether they did.
const LOOK_PAUSE: Duration = Duration::from_millis(200);

/// Connects once; the caller decides about trying again.
pub async fn connect(config: &Temporal) -> Result<Client> {
    let target = temporalio_client::Url::from_str(&config.address)
        .with_context(|| format!("ASSAY_TEMPORAL_ADDRESS: `{}` is not an address", config.address))?;
    let options = ConnectionOptions::new(target)
        .identity(identity())
        .connect_timeout(CONNECT_TIMEOUT)
        // Only ids, references and hashes travel, which do not shrink; packing them costs both ends time.
        .grpc_compression(GrpcCompression::None)
        .build();
    let connection = tokio::time::timeout(CONNECT_TIMEOUT * 2, Connection::connect(options))
        .await
        .with_context(|| format!("Temporal at {} did not answer", config.address))?
        .with_context(|| format!("connect to Temporal at {}", config.address))?;
    let options = ClientOptions::new(&config.namespace).plugin(OpenTelemetryPlugin::builder().build()).build();
    Client::new(connection, options).context("make a Temporal client")
}

/// Names this process in histories and poller lists.
fn identity() -> String {
    format!("assay@{}", std::process::id())
}

/// Creates the namespace and search attributes that are missing, and waits until the server shows them.
pub async fn prepare(config: &Temporal) -> Result<()> {
    let client = connect(config).await?;
    ensure_namespace(&client, config).await?;
    tokio::time::timeout(SETTLE, ensure_search_attributes(&client, config)).await.context("the search attributes did not appear in time")?
}

async fn ensure_namespace(client: &Client, config: &Temporal) -> Result<()> {
    let mut service = client.connection().workflow_service();
    let retention = Duration::from_secs(config.retention_days * 86_400);
    let register = RegisterNamespaceRequest {
        namespace: config.namespace.clone(),
        description: "Assay: durable verification of claims against evidence".to_owned(),
        workflow_execution_retention_period: Some(retention.try_into().context("the retention is too long for Temporal")?),
        ..Default::default()
    };
    match service.register_namespace(Request::new(register)).await {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        Err(status) => Err(status).with_context(|| format!("create the namespace {}", config.namespace)),
    }
}

async fn ensure_search_attributes(client: &Client, config: &Temporal) -> Result<()> {
    // A new namespace is not known to every service at once.
    while let Err(status) = client
        .connection()
        .workflow_service()
        .describe_namespace(Request::new(DescribeNamespaceRequest { namespace: config.namespace.clone(), ..Default::default() }))
        .await
    {
        if status.code() != Code::NotFound {
            return Err(status).context("look at the namespace");
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    loop {
        let missing = missing_search_attributes(client, config).await;
        match missing {
            Ok(missing) if missing.is_empty() && are_searchable(client, config).await? => return Ok(()),
            Ok(missing) if missing.is_empty() => {}
            Ok(missing) => {
                let search_attributes = missing.into_iter().map(|name| (name.to_owned(), IndexedValueType::Keyword.into())).collect();
                let add = AddSearchAttributesRequest { search_attributes, namespace: config.namespace.clone() };
                match client.connection().operator_service().add_search_attributes(Request::new(add)).await {
                    Ok(_) => {}
                    Err(status) if matches!(status.code(), Code::AlreadyExists | Code::NotFound | Code::Unavailable) => {}
                    Err(status) => return Err(status).context("register the search attributes"),
                }
            }
            Err(status) if matches!(status.code(), Code::NotFound | Code::Unavailable) => {}
            Err(status) => return Err(status).context("list the search attributes"),
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
}

/// Whether the frontend works with them yet: for a while after their making it lists them, but refuses workflows that have them.
async fn are_searchable(client: &Client, config: &Temporal) -> Result<bool> {
    let query = workflows::search::NAMES.map(|name| format!("{name} = 'none'")).join(" AND ");
    let request = CountWorkflowExecutionsRequest { namespace: config.namespace.clone(), query };
    match client.connection().workflow_service().count_workflow_executions(Request::new(request)).await {
        Ok(_) => Ok(true),
        Err(status) if matches!(status.code(), Code::InvalidArgument | Code::NotFound | Code::Unavailable) => Ok(false),
        Err(status) => Err(status).context("search by the search attributes"),
    }
}

async fn missing_search_attributes(client: &Client, config: &Temporal) -> Result<Vec<&'static str>, tonic::Status> {
    let request = ListSearchAttributesRequest { namespace: config.namespace.clone() };
    let listed = client.connection().operator_service().list_search_attributes(Request::new(request)).await?.into_inner();
    Ok(workflows::search::NAMES.into_iter().filter(|name| !listed.custom_attributes.contains_key(*name)).collect())
}

/// The version that the server gives itself.
pub async fn server_version(client: &Client) -> Result<String> {
    let request = Request::new(temporalio_common::protos::temporal::api::workflowservice::v1::GetSystemInfoRequest {});
    Ok(client
        .connection()
        .workflow_service()
        .get_system_info(request)
        .await
        .context("ask the server for its version")?
        .into_inner()
        .server_version)
}
