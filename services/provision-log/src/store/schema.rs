diesel::table! {
    entry (seq) {
        seq -> BigInt,
        segment -> Integer,
        inquiry -> Binary,
        settled_inquiry -> Nullable<Binary>,
        permit -> Binary,
        inquirer -> Text,
        provider -> Text,
        outcome -> Text,
        decided_at_unix_ms -> BigInt,
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
