diesel::table! {
    erasure (municipality, id) {
        municipality -> Text,
        id -> Binary,
        state -> Text,
        reason -> Text,
        scope -> Text,
        digest -> Binary,
        tables -> Text,
        proposed_by -> Text,
        first_person -> Nullable<Text>,
        second_person -> Nullable<Text>,
        proposed_at_unix_ms -> BigInt,
        ended_at_unix_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    erasure_record (municipality, erasure_id) {
        municipality -> Text,
        erasure_id -> Binary,
        body -> Binary,
        erased_at_unix_ms -> BigInt,
    }
}

diesel::table! {
    erasure_hold (municipality, id) {
        municipality -> Text,
        id -> Binary,
        subject_id -> Nullable<Binary>,
        class -> Nullable<Text>,
        reason -> Text,
        held_by -> Text,
        held_at_unix_ms -> BigInt,
        lifted_by -> Nullable<Text>,
        lifted_at_unix_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    key_rotation (municipality, id) {
        municipality -> Text,
        id -> Binary,
        former_key -> Integer,
        state -> Text,
        resealed -> BigInt,
        begun_by -> Text,
        begun_at_unix_ms -> BigInt,
        done_at_unix_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    room_closing (municipality, id) {
        municipality -> Text,
        id -> Binary,
        proposed_by -> Text,
        proposed_at_unix_ms -> BigInt,
        approved_by -> Nullable<Text>,
        approved_at_unix_ms -> Nullable<BigInt>,
        slip -> Nullable<Text>,
    }
}
