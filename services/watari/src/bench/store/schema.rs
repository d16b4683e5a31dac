diesel::table! {
    subject_number (municipality, number_index) {
        municipality -> Text,
        number_index -> Binary,
        subject_id -> Binary,
        number_sealed -> Binary,
    }
}

diesel::table! {
    subject (municipality, id, version) {
        municipality -> Text,
        id -> Binary,
        version -> Integer,
        sealed -> Binary,
    }
}

diesel::table! {
    vaccination (municipality, subject_id, id, version) {
        municipality -> Text,
        subject_id -> Binary,
        id -> Binary,
        version -> Integer,
        sealed -> Binary,
    }
}

diesel::table! {
    inquiry (municipality, id) {
        municipality -> Text,
        id -> Binary,
        subject_id -> Binary,
        provider -> Text,
        procedure -> Text,
        legal_basis -> Text,
        confirmation -> Text,
        operator -> Text,
        terminal -> Text,
        state -> Text,
        begun_at_unix_ms -> BigInt,
        answered_at_unix_ms -> Nullable<BigInt>,
        expires_at_unix_ms -> Nullable<BigInt>,
        log_index -> Nullable<BigInt>,
        answer_sealed -> Nullable<Binary>,
        receipt_sealed -> Nullable<Binary>,
    }
}

diesel::table! {
    provision (municipality, inquiry_id) {
        municipality -> Text,
        inquiry_id -> Binary,
        inquirer -> Text,
        subject_id -> Binary,
        permit_id -> Text,
        content_sealed -> Binary,
        provided_at_unix_ms -> BigInt,
    }
}

diesel::table! {
    operation_log (municipality, seq) {
        municipality -> Text,
        seq -> BigInt,
        body -> Binary,
        root -> Nullable<Binary>,
    }
}

diesel::table! {
    leaf (seq) {
        seq -> BigInt,
        hash -> Binary,
        permit_digest -> Nullable<Binary>,
        settled_digest -> Nullable<Binary>,
    }
}

diesel::table! {
    entry (seq) {
        seq -> BigInt,
        segment -> Integer,
        act -> Text,
        inquirer -> Nullable<Text>,
        provider -> Nullable<Text>,
        body -> Binary,
    }
}

diesel::table! {
    checkpoint (size, issued_at_unix_ms) {
        size -> BigInt,
        issued_at_unix_ms -> BigInt,
        root -> Binary,
        note -> Text,
    }
}

diesel::table! {
    tile (level, idx) {
        level -> SmallInt,
        idx -> BigInt,
        hashes -> Binary,
    }
}
