//! Tenants, and who may come in: people with their sessions, and keys.

diesel::table! {
    api_keys (tenant_id, id) {
        tenant_id -> Uuid,
        id -> Uuid,
        prefix -> Text,
        secret_sha256 -> Bytea,
        name -> Text,
        scopes -> Array<Text>,
        livemode -> Bool,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    memberships (tenant_id, user_id) {
        tenant_id -> Uuid,
        user_id -> Uuid,
        name -> Text,
        roles -> Array<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    sessions (token_sha256) {
        token_sha256 -> Bytea,
        user_id -> Uuid,
        tenant_id -> Uuid,
        csrf -> Text,
        created_at -> Timestamptz,
        seen_at -> Timestamptz,
        ends_at -> Timestamptz,
    }
}

diesel::table! {
    sign_ins (state_sha256) {
        state_sha256 -> Bytea,
        browser_sha256 -> Bytea,
        issuer -> Text,
        nonce -> Text,
        verifier -> Text,
        next -> Text,
        created_at -> Timestamptz,
        ends_at -> Timestamptz,
    }
}

diesel::table! {
    tenants (id) {
        id -> Uuid,
        name -> Text,
        policy -> Json,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        email -> Text,
        password_hash -> Nullable<Text>,
        failed_sign_ins -> Int4,
        locked_until -> Nullable<Timestamptz>,
        disabled_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        desk_keys -> Nullable<Json>,
        issuer -> Nullable<Text>,
        subject -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(memberships, tenants, users);
