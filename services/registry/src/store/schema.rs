diesel::table! {
    municipality (code) {
        #[sql_name = "municipality"]
        code -> Text,
        host -> Text,
        url -> Text,
        registered_at_ms -> BigInt,
    }
}

diesel::table! {
    municipality_key (municipality, purpose, key_id) {
        municipality -> Text,
        purpose -> Text,
        key_id -> BigInt,
        public_key -> Binary,
        not_before_unix_s -> BigInt,
        not_after_unix_s -> BigInt,
    }
}

diesel::table! {
    token_key (key_id) {
        key_id -> BigInt,
        public_key -> Binary,
        not_before_unix_s -> BigInt,
        not_after_unix_s -> BigInt,
    }
}

diesel::table! {
    terminal (municipality, id) {
        municipality -> Text,
        id -> Text,
        thumbprint -> Binary,
        registered_at_ms -> BigInt,
        revoked_at_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    operator (id) {
        id -> Text,
        municipality -> Text,
        role -> Text,
        password_hash -> Text,
        registered_at_ms -> BigInt,
        suspended_at_ms -> Nullable<BigInt>,
        last_log_in_at_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    session (id) {
        id -> Binary,
        operator -> Text,
        municipality -> Text,
        terminal -> Text,
        begun_at_ms -> BigInt,
        expires_at_unix_s -> BigInt,
        ended_at_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    access_log (seq) {
        seq -> BigInt,
        municipality -> Nullable<Text>,
        body -> Binary,
        root -> Nullable<Binary>,
    }
}

diesel::table! {
    access_tile (level, idx) {
        level -> SmallInt,
        idx -> BigInt,
        hashes -> Binary,
    }
}

diesel::table! {
    access_checkpoint (size) {
        size -> BigInt,
        issued_at_unix_ms -> BigInt,
        note -> Text,
    }
}

diesel::table! {
    directory_state (id) {
        id -> Integer,
        sequence -> BigInt,
    }
}
