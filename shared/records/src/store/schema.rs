diesel::table! {
    completeness (municipality, version) {
        municipality -> Text,
        version -> Integer,
        complete_from -> Nullable<Text>,
        complete_up_to -> Nullable<Text>,
        stated_by -> Text,
        stated_at_unix_ms -> BigInt,
    }
}
