diesel::table! {
    import_file (municipality, id) {
        municipality -> Text,
        id -> Binary,
        purpose -> Text,
        stage -> Text,
        total_bytes -> BigInt,
        sha256 -> Text,
        wanted_layout -> Nullable<Text>,
        next_part -> Integer,
        checked_bytes -> BigInt,
        report -> Text,
        preview -> Nullable<Text>,
        uploaded_by -> Text,
        uploaded_at_unix_ms -> BigInt,
        checked_by -> Nullable<Text>,
        checked_at_unix_ms -> Nullable<BigInt>,
        decided_by -> Nullable<Text>,
        decided_at_unix_ms -> Nullable<BigInt>,
        erased_at_unix_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    import_part (municipality, import_id, part) {
        municipality -> Text,
        import_id -> Binary,
        part -> Integer,
        sealed -> Binary,
    }
}

diesel::table! {
    import_subject (municipality, import_id, seq) {
        municipality -> Text,
        import_id -> Binary,
        seq -> BigInt,
        id -> Binary,
        version -> Integer,
        sealed -> Binary,
        number_index -> Nullable<Binary>,
        number_sealed -> Nullable<Binary>,
        address_index -> Nullable<Binary>,
        likeness_index -> Binary,
    }
}

diesel::table! {
    import_voucher (municipality, import_id, seq) {
        municipality -> Text,
        import_id -> Binary,
        seq -> BigInt,
        voucher_index -> Binary,
        dose_number -> Integer,
        subject_id -> Binary,
        sealed -> Binary,
    }
}

diesel::table! {
    import_vaccination (municipality, import_id, seq) {
        municipality -> Text,
        import_id -> Binary,
        seq -> BigInt,
        subject_id -> Binary,
        id -> Binary,
        sealed -> Binary,
    }
}

diesel::table! {
    import_finding (municipality, import_id, seq) {
        municipality -> Text,
        import_id -> Binary,
        seq -> BigInt,
        line -> Nullable<BigInt>,
        column_name -> Nullable<Text>,
        reason -> Text,
        about -> Nullable<Binary>,
    }
}

diesel::table! {
    quarantine (municipality, id) {
        municipality -> Text,
        id -> Binary,
        origin -> Text,
        origin_id -> Binary,
        line -> BigInt,
        row_index -> Binary,
        kind -> Text,
        state -> Text,
        version -> Integer,
        subject_id -> Nullable<Binary>,
        sealed -> Binary,
        created_at_unix_ms -> BigInt,
        decided_by -> Nullable<Text>,
        decided_at_unix_ms -> Nullable<BigInt>,
        decision -> Nullable<Text>,
        decision_sealed -> Nullable<Binary>,
        taken_for -> Nullable<Binary>,
    }
}
