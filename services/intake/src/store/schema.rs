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
