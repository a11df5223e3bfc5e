//! Webhooks: where they go, what they tell, and how it went.

diesel::table! {
    webhook_attempts (tenant_id, delivery_id, number) {
        tenant_id -> Uuid,
        delivery_id -> Uuid,
        number -> Int4,
        at -> Timestamptz,
        status -> Nullable<Int4>,
        milliseconds -> Int4,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    webhook_deliveries (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        endpoint_id -> Uuid,
        event_id -> Uuid,
        status -> Text,
        attempts -> Int4,
        attempts_before -> Int4,
        next_at -> Nullable<Timestamptz>,
        last_status -> Nullable<Int4>,
        last_error -> Nullable<Text>,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    webhook_endpoints (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        url -> Text,
        description -> Text,
        events -> Array<Text>,
        secrets -> Json,
        enabled -> Bool,
        disabled_at -> Nullable<Timestamptz>,
        disabled_reason -> Nullable<Text>,
        failing_since -> Nullable<Timestamptz>,
        held_until -> Nullable<Timestamptz>,
        full_data -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deleted_at -> Nullable<Timestamptz>,
        version -> Int8,
    }
}

diesel::table! {
    webhook_events (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        #[sql_name = "type"]
        type_ -> Text,
        verification_id -> Nullable<Uuid>,
        sequence -> Nullable<Int8>,
        body -> Bytea,
        created_at -> Timestamptz,
        number -> Nullable<Int8>,
        sent -> Bool,
    }
}

diesel::allow_tables_to_appear_in_same_query!(webhook_deliveries, webhook_endpoints, webhook_events);
