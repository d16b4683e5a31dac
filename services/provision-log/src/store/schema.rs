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
    tile (level, idx) {
        level -> SmallInt,
        idx -> BigInt,
        hashes -> Binary,
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
    cosigned (size, cosigned_at_unix_ms) {
        size -> BigInt,
        cosigned_at_unix_ms -> BigInt,
        note -> Text,
    }
}
