//! The tables as diesel sees them, in the form that `diesel print-schema` writes.

mod people;
mod webhooks;

pub use people::{api_keys, memberships, sessions, sign_ins, tenants, users};
pub use webhooks::{webhook_attempts, webhook_deliveries, webhook_endpoints, webhook_events};

diesel::table! {
    audit_events (tenant_id, seq, at) {
        tenant_id -> Uuid,
        seq -> Int8,
        at -> Timestamptz,
        event_type -> Text,
        actor -> Text,
        subject -> Text,
        commitment -> Bytea,
        hash -> Bytea,
    }
}

diesel::table! {
    audit_heads (tenant_id) {
        tenant_id -> Uuid,
        seq -> Int8,
        hash -> Bytea,
    }
}

diesel::table! {
    audit_payloads (tenant_id, seq, at) {
        tenant_id -> Uuid,
        seq -> Int8,
        at -> Timestamptz,
        salt -> Bytea,
        payload -> Bytea,
    }
}

diesel::table! {
    comments (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        verification_id -> Uuid,
        field -> Nullable<Text>,
        author -> Text,
        body -> Text,
        created_at -> Timestamptz,
        resolved_at -> Nullable<Timestamptz>,
        resolved_by -> Nullable<Text>,
    }
}

diesel::table! {
    corrections (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        verification_id -> Uuid,
        number -> Int4,
        actor -> Text,
        decision -> Json,
        before -> Json,
        outcome -> Json,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    decisions (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        review_id -> Uuid,
        verification_id -> Uuid,
        holder -> Text,
        lease_generation -> Int8,
        decision -> Json,
        outcome -> Json,
        created_at -> Timestamptz,
        round -> Int4,
        part -> Int2,
        settles -> Bool,
    }
}

diesel::table! {
    drafts (tenant_id, review_id, holder) {
        tenant_id -> Uuid,
        review_id -> Uuid,
        holder -> Text,
        content -> Json,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    events (tenant_id, verification_id, sequence, at) {
        tenant_id -> Uuid,
        verification_id -> Uuid,
        sequence -> Int8,
        at -> Timestamptz,
        kind -> Text,
        actor -> Text,
        data -> Json,
    }
}

diesel::table! {
    evidence (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        sha256 -> Bytea,
        size -> Int8,
        media_type -> Text,
        filename -> Nullable<Text>,
        status -> Text,
        object_key -> Text,
        pages -> Nullable<Int4>,
        upload -> Nullable<Json>,
        created_at -> Timestamptz,
        completed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    evidence_openings (tenant_id, subject, actor, occasion) {
        tenant_id -> Uuid,
        subject -> Text,
        actor -> Text,
        occasion -> Text,
        at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_keys (tenant_id, key) {
        tenant_id -> Uuid,
        key -> Text,
        fingerprint -> Bytea,
        verification_id -> Nullable<Uuid>,
        response_status -> Nullable<Int2>,
        response_headers -> Nullable<Json>,
        response_body -> Nullable<Bytea>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    measures (tenant_id, decision_id) {
        tenant_id -> Uuid,
        decision_id -> Uuid,
        verification_id -> Uuid,
        review_id -> Uuid,
        actor -> Text,
        round -> Int4,
        part -> Int2,
        settles -> Bool,
        claim_type -> Text,
        verdict -> Text,
        machine_verdict -> Text,
        machine_score -> Float8,
        sampled -> Bool,
        waited_ms -> Nullable<Int8>,
        held_ms -> Nullable<Int8>,
        active_ms -> Nullable<Int8>,
        open_ms -> Nullable<Int8>,
        timely -> Bool,
        decided_at -> Timestamptz,
        peer_verdict -> Nullable<Text>,
        settled -> Bool,
        overturned -> Nullable<Text>,
    }
}

diesel::table! {
    outbox (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        verification_id -> Uuid,
        kind -> Text,
        payload -> Json,
        attempts -> Int4,
        available_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    policies (tenant_id, version) {
        tenant_id -> Uuid,
        version -> Int8,
        document -> Json,
        actor -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    review_times (tenant_id, review_id, actor) {
        tenant_id -> Uuid,
        review_id -> Uuid,
        actor -> Text,
        active_ms -> Int8,
        open_ms -> Int8,
        places -> Json,
        reported_at -> Timestamptz,
    }
}

diesel::table! {
    reviews (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        verification_id -> Uuid,
        round -> Int4,
        status -> Text,
        blockers -> Json,
        due_at -> Timestamptz,
        expires_at -> Timestamptz,
        escalated_at -> Nullable<Timestamptz>,
        lease_holder -> Nullable<Text>,
        lease_token_sha256 -> Nullable<Bytea>,
        lease_generation -> Int8,
        lease_expires_at -> Nullable<Timestamptz>,
        version -> Int8,
        created_at -> Timestamptz,
        decided_at -> Nullable<Timestamptz>,
        taken_over_generation -> Nullable<Int8>,
        taken_over_reason -> Nullable<Text>,
        part -> Int2,
        wanted -> Int2,
        escalated_by -> Nullable<Text>,
        leased_at -> Nullable<Timestamptz>,
        first_leased_at -> Nullable<Timestamptz>,
        boosted_at -> Nullable<Timestamptz>,
        assigned_to -> Nullable<Uuid>,
        assigned_at -> Nullable<Timestamptz>,
        snoozed_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    stage_results (tenant_id, content_hash, stage, version) {
        tenant_id -> Uuid,
        content_hash -> Bytea,
        stage -> Text,
        version -> Text,
        object_key -> Text,
        summary -> Nullable<Json>,
        run_id -> Text,
        activity_id -> Text,
        attempt -> Int4,
        created_at -> Timestamptz,
        content -> Nullable<Json>,
    }
}

diesel::table! {
    stage_tries (tenant_id, run_id, activity_id) {
        tenant_id -> Uuid,
        run_id -> Text,
        activity_id -> Text,
        lost -> Int4,
        failed -> Int4,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    usage_entries (tenant_id, verification_id, idempotency_key, accepted_at) {
        tenant_id -> Uuid,
        verification_id -> Uuid,
        idempotency_key -> Text,
        accepted_at -> Timestamptz,
        at -> Timestamptz,
        stage -> Text,
        pages -> Int4,
        cpu_seconds -> Float8,
        bytes -> Int8,
    }
}

diesel::table! {
    verification_evidence (tenant_id, verification_id, evidence_id) {
        tenant_id -> Uuid,
        verification_id -> Uuid,
        evidence_id -> Uuid,
    }
}

diesel::table! {
    verifications (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        status -> Text,
        verdict -> Nullable<Text>,
        claim_type -> Text,
        claim_type_version -> Int4,
        claim -> Json,
        priority -> Text,
        metadata -> Json,
        policy -> Json,
        evidence_ids -> Array<Uuid>,
        livemode -> Bool,
        trace_parent -> Nullable<Text>,
        progress -> Nullable<Json>,
        provisional -> Nullable<Json>,
        final_outcome -> Nullable<Json>,
        failure -> Nullable<Text>,
        cancel_requested_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
        version -> Int8,
        sequence -> Int8,
        published -> Int4,
        evidence_request -> Nullable<Json>,
        corrections -> Int4,
    }
}

diesel::allow_tables_to_appear_in_same_query!(audit_events, audit_payloads);
