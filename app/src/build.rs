//! Makes every part from its configuration: the only place that knows them all. Nothing is connected or bound here.

use std::sync::Arc;
use std::time::Duration;

use activities::classify::{Classifier, RulesClassifier};
use activities::extract::{Extractor, RulesExtractor};
use activities::reading::{Reader, Sandbox};
use activities::{
    DecideActivities, DeliverActivities, Engines, FinaliseActivities, PrepareActivities, ReadActivities, ReviewActivities, Stages,
    UnderstandActivities,
};
use anyhow::{Context, Result};
use domain::block::PREPARE_VERSION;
use domain::clock::SystemClock;
use gateway::engine::temporal::{Connect, TemporalEngine};
use gateway::{Limits, Parts};
use sha2::{Digest, Sha256};
use store::desk_notices::DeskNotices;
use store::listen::VerificationChanges;
use store::objects::{Objects as ObjectStore, ObjectsConfig, S3Objects};
use store::{DatabaseConfig, Store};

use crate::config::{self, Database, Objects, Worker};
use crate::worker::Hands;

/// Connections of one process for work across tenants: the relay, key lookups, one to spare.
const RELAY_POOL: usize = 3;

/// The database, not yet connected.
pub fn store(config: &Database) -> Result<Store> {
    let service = DatabaseConfig { pool_size: config.pool_size, ..DatabaseConfig::new(&config.url) };
    let relay = DatabaseConfig { pool_size: RELAY_POOL, acquire_timeout: Duration::from_secs(2), ..DatabaseConfig::new(&config.relay_url) };
    Store::connect_lazy(&service, Some(&relay)).context("ASSAY_DATABASE_URL and ASSAY_DATABASE_RELAY_URL")
}

/// The S3 store, not yet connected.
pub fn objects(config: &Objects) -> Arc<dyn ObjectStore> {
    let access = ObjectsConfig::new(&config.endpoint, &config.region, &config.bucket, &config.access_key, &config.secret_key);
    Arc::new(S3Objects::new(&ObjectsConfig { public_endpoint: Some(config.public_endpoint.clone()), ..access }))
}

/// What the API is made of. Its links to the database's notices and to Temporal come up by themselves.
pub fn gateway(
    api: &config::Gateway,
    database: &Database,
    objects_config: &Objects,
    temporal: &config::Temporal,
    webhooks: &config::Webhooks,
) -> Result<Parts> {
    let notices = DatabaseConfig::new(&database.relay_url);
    let changes = VerificationChanges::spawn(&notices).context("ASSAY_DATABASE_RELAY_URL")?;
    let temporal = temporal.clone();
    let connect: Connect = Arc::new(move || {
        let temporal = temporal.clone();
        Box::pin(async move { crate::temporal::connect(&temporal).await.map_err(Into::into) })
    });
    Ok(Parts {
        store: store(database)?,
        objects: objects(objects_config),
        engine: Arc::new(TemporalEngine::new(connect)),
        changes: Some(changes),
        public_url: api.public_url.clone(),
        cursor_secret: cursor_secret(api, objects_config),
        page_version: PREPARE_VERSION.to_owned(),
        limits: Limits { evidence_bytes: api.max_evidence_bytes, ..Limits::default() },
        webhooks: webhooks.rules.clone(),
    })
}

/// Tells the desk's open pages of changes; its link to the database comes up by itself.
pub fn desk_notices(database: &Database) -> Result<DeskNotices> {
    DeskNotices::spawn(&DatabaseConfig::new(&database.relay_url)).context("ASSAY_DATABASE_RELAY_URL")
}

/// What the desk is made of.
pub fn desk(
    desk: &config::ReviewUi,
    database: &Database,
    objects_config: &Objects,
    temporal_ui: Option<String>,
) -> Result<review_ui::Parts> {
    Ok(review_ui::Parts {
        store: store(database)?,
        objects: objects(objects_config),
        secure: desk.secure,
        temporal_ui,
        page_version: PREPARE_VERSION.to_owned(),
    })
}

/// A secret that all gateways share without anybody having to hand it out: they share the store's.
fn cursor_secret(api: &config::Gateway, objects: &Objects) -> Vec<u8> {
    match &api.cursor_secret {
        Some(secret) => secret.clone().into_bytes(),
        None => Sha256::new().chain_update("assay cursors\0").chain_update(&objects.secret_key).finalize().to_vec(),
    }
}

/// What a worker's pools do. Tesseract is loaded here, once per reading thread.
pub fn hands(config: &Worker, store: Store, objects: Arc<dyn ObjectStore>) -> Result<Hands> {
    let clock = Arc::new(SystemClock);
    let reader = Arc::new(Reader::start(config.ocr_threads, None).context("start Tesseract; `make setup` installs it")?);
    let (classifier, extractor) = (Arc::new(RulesClassifier), Arc::new(RulesExtractor));
    let engines =
        Engines { reader: reader.name().to_owned(), classifier: classifier.name().to_owned(), extractor: extractor.name().to_owned() };
    let sandbox = Arc::new(Sandbox::of_this_program().context("find my own program")?);
    let stages = Stages::new(store.clone(), objects);
    Ok(Hands {
        prepare: PrepareActivities::new(stages.clone(), sandbox),
        read: ReadActivities::new(stages.clone(), engines.clone(), reader),
        understand: UnderstandActivities::new(stages.clone(), engines.clone(), classifier, extractor),
        decide: DecideActivities::new(stages, engines, clock.clone()),
        review: ReviewActivities::new(store.clone(), clock.clone()),
        finalise: FinaliseActivities::new(store.clone()),
        deliver: DeliverActivities::new(store, clock, config.webhooks.rules.clone()).context("make the client of webhooks")?,
    })
}
