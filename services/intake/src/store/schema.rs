diesel::table! {
    access_log (seq) {
        seq -> BigInt,
        at_unix_ms -> BigInt,
        municipality -> Nullable<Text>,
        caller -> Nullable<Text>,
        act -> Text,
        kept -> Integer,
        refused -> Integer,
        result -> Text,
        request -> Text,
    }
}

diesel::table! {
    device (municipality, name) {
        municipality -> Text,
        name -> Text,
        thumbprint -> Binary,
        revoked -> Bool,
    }
}

diesel::table! {
    capture (municipality, device, id) {
        municipality -> Text,
        device -> Text,
        id -> Binary,
        seq -> BigInt,
        sealed -> Binary,
        received_at_unix_ms -> BigInt,
    }
}
