//! What happened, kept in the very bytes that are signed and sent, with one delivery for each endpoint that wants to hear of it, if any.

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use domain::id::{DeliveryId, EndpointId, EventId, Id, VerificationId};
use domain::webhook::event::EventType;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{StoreError, failed_to};
use crate::schema::webhook_events;
use crate::sql::sql;
use crate::tx::{Change, TenantTx};

/// The largest body, in bytes: receivers such as Standard Webhooks' own libraries expect less than 20 kB.
const MAX_BODY: usize = 20_000;

/// Something to tell. `data` is thin: stable words and ids, nothing that names anybody.
#[derive(Debug, Clone)]
pub struct Event {
    pub kind: EventType,
    /// The verification and its step, both of which become part of the data. Order is not promised, so receivers go by the step.
    pub about: Option<(VerificationId, i64)>,
    /// An object.
    pub data: Value,
}

/// A stored event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    pub id: EventId,
    /// The word: an older binary may not know the kind.
    pub kind: String,
    pub verification_id: Option<VerificationId>,
    pub sequence: Option<i64>,
    pub body: Vec<u8>,
    pub created_at: DateTime<Utc>,
}

/// In this order, which is also the order of the bytes.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: &'a Value,
}

/// An endpoint that is to be told of some kinds; none in the one row of a tenant where nobody is to be told anything.
#[derive(QueryableByName)]
struct Listening {
    #[diesel(sql_type = Nullable<diesel::sql_types::Uuid>)]
    id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    events: Option<Vec<String>>,
    /// The time of the change: that of its transaction.
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

impl Listening {
    /// The endpoint, if it wants the kind. By the words, so that a filter which a newer binary wrote never stops the change that is told of.
    fn wanting(&self, kind: EventType) -> Option<Uuid> {
        let events = self.events.as_deref().unwrap_or_default();
        self.id.filter(|_| events.is_empty() || events.iter().any(|word| word == kind.as_str()))
    }
}

/// Writes down, with the change itself, what is to be told: to the endpoints that want it, and to all who follow the feed. Listeners wake
/// once it is committed.
pub async fn emit(tx: &mut TenantTx, events: &[Event]) -> Result<(), StoreError> {
    let Some(last) = events.last() else { return Ok(()) };
    let listening: Vec<Listening> = sql("select e.id, e.events, now() as at
        from (values (1)) one left join webhook_endpoints e on e.tenant_id = $1 and e.enabled and e.deleted_at is null")
    .uuid(tx.tenant.0)
    .get_results(tx.connection()?)
    .await
    .map_err(failed_to("look for webhook endpoints"))?;
    let Some(Listening { at, .. }) = listening.as_slice().first() else { return Ok(()) };
    for event in events {
        let endpoints = listening.as_slice().iter().filter_map(|endpoint| endpoint.wanting(event.kind)).collect();
        write(tx, event, *at, endpoints).await?;
    }
    let (about, sequence) = last.about.unwrap_or((VerificationId(Uuid::nil()), 0));
    tx.notify(about, sequence);
    Ok(())
}

/// Tells one endpoint of something that did not happen: a real kind with `"test": true`, whatever its filter says. `None` when there is no
/// such endpoint or it is off.
pub async fn emit_test(tx: &mut TenantTx, endpoint_id: EndpointId, kind: EventType, actor: &str) -> Result<Option<DeliveryId>, StoreError> {
    let listening: Option<Listening> =
        sql("select id, events, now() as at from webhook_endpoints where tenant_id = $1 and id = $2 and enabled and deleted_at is null")
            .uuid(tx.tenant.0)
            .uuid(endpoint_id.0)
            .get_result(tx.connection()?)
            .await
            .optional()
            .map_err(failed_to("read a webhook endpoint"))?;
    let Some((at, endpoint)) = listening.and_then(|listening| listening.id.map(|id| (listening.at, id))) else { return Ok(None) };
    let event = Event { kind, about: None, data: json!({ "test": true }) };
    let deliveries = write(tx, &event, at, vec![endpoint]).await?;
    tx.notify(VerificationId(Uuid::nil()), 0);
    tx.record(Change::of("webhook.tested", actor, endpoint_id, json!({ "type": kind.as_str() })));
    Ok(deliveries.into_iter().next())
}

async fn write(tx: &mut TenantTx, event: &Event, at: DateTime<Utc>, endpoints: Vec<Uuid>) -> Result<Vec<DeliveryId>, StoreError> {
    let deliveries: Vec<Uuid> = endpoints.iter().map(|_| DeliveryId::new().0).collect();
    let tenant = tx.tenant;
    let body = body(event, at)?;
    sql("with event as (
            insert into webhook_events (tenant_id, id, type, verification_id, sequence, body, sent)
            values ($1, $2, $3, $4, $5, $6, cardinality($7) > 0) returning id
        ), made as (
            insert into webhook_deliveries (tenant_id, id, endpoint_id, event_id)
            select $1, d.id, d.endpoint_id, event.id from event cross join unnest($7, $8) as d (id, endpoint_id)
            returning id
        )
        insert into outbox (tenant_id, id, verification_id, kind, payload)
        select $1, id, coalesce($4, id), 'delivery', json_build_object('delivery_id', 'dlv_' || replace(id::text, '-', '')) from made")
    .uuid(tenant.0)
    .uuid(EventId::new().0)
    .text(event.kind.as_str())
    .maybe_uuid(event.about.map(|(id, _)| id.uuid()))
    .maybe_i64(event.about.map(|(_, sequence)| sequence))
    .bytes(&body)
    .uuids(deliveries.clone())
    .uuids(endpoints)
    .execute(tx.connection()?)
    .await
    .map_err(failed_to("store a webhook event"))?;
    Ok(deliveries.into_iter().map(DeliveryId).collect())
}

fn body(event: &Event, at: DateTime<Utc>) -> Result<Vec<u8>, StoreError> {
    let ids = event.about.map_or_else(|| json!({}), |(id, sequence)| json!({ "verification_id": id, "sequence": sequence }));
    let mut data = ids.clone();
    if let (Value::Object(data), Value::Object(more)) = (&mut data, &event.data) {
        data.extend(more.clone());
    }
    let timestamp = at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let write = |data: &Value| {
        serde_json::to_vec(&Body { kind: event.kind.as_str(), timestamp: timestamp.clone(), data })
            .map_err(|error| StoreError::Query { doing: "write a webhook event", source: error.into() })
    };
    let bytes = write(&data)?;
    // Whoever is told the ids can ask for the rest. A change must never fail because telling of it would be too long.
    if bytes.len() > MAX_BODY { write(&ids) } else { Ok(bytes) }
}

/// One event, for the log of deliveries.
pub async fn event(tx: &mut TenantTx, id: EventId) -> Result<Option<EventRow>, StoreError> {
    type Raw = (Uuid, String, Option<Uuid>, Option<i64>, Vec<u8>, DateTime<Utc>);
    let raw: Option<Raw> = webhook_events::table
        .filter(webhook_events::tenant_id.eq(tx.tenant.0))
        .filter(webhook_events::id.eq(id.0))
        .select((
            webhook_events::id,
            webhook_events::type_,
            webhook_events::verification_id,
            webhook_events::sequence,
            webhook_events::body,
            webhook_events::created_at,
        ))
        .first(tx.connection()?)
        .await
        .optional()
        .map_err(failed_to("read a webhook event"))?;
    Ok(raw.map(|(id, kind, verification_id, sequence, body, created_at)| EventRow {
        id: EventId(id),
        kind,
        verification_id: verification_id.map(VerificationId),
        sequence,
        body,
        created_at,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default()
    }

    #[test]
    fn a_body_names_type_time_and_ids_first() {
        let id = VerificationId(Uuid::nil());
        let event = Event { kind: EventType::VerificationFinal, about: Some((id, 4)), data: json!({ "verdict": "supported" }) };
        assert_eq!(
            String::from_utf8(body(&event, at()).unwrap()).unwrap(),
            r#"{"type":"verification.final","timestamp":"2023-11-14T22:13:20.000000Z","data":{"sequence":4,"verdict":"supported","verification_id":"ver_00000000000000000000000000000000"}}"#
        );
    }

    #[test]
    fn what_is_too_long_is_told_by_its_ids() {
        let event = Event { kind: EventType::VerificationFinal, about: None, data: json!({ "note": "a".repeat(MAX_BODY) }) };
        assert!(body(&event, at()).unwrap().ends_with(br#""data":{}}"#));
    }
}
