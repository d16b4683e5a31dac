diesel::table! {
    subject (municipality, id, version) {
        municipality -> Text,
        id -> Binary,
        version -> Integer,
        sealed -> Binary,
        created_at_unix_ms -> BigInt,
    }
}

diesel::table! {
    subject_number (municipality, number_index) {
        municipality -> Text,
        number_index -> Binary,
        subject_id -> Binary,
        number_sealed -> Binary,
    }
}

diesel::table! {
    subject_address (municipality, address_index) {
        municipality -> Text,
        address_index -> Binary,
        subject_id -> Binary,
    }
}

diesel::table! {
    subject_likeness (municipality, likeness_index, subject_id) {
        municipality -> Text,
        likeness_index -> Binary,
        subject_id -> Binary,
    }
}

diesel::table! {
    voucher (municipality, voucher_index, dose_number) {
        municipality -> Text,
        voucher_index -> Binary,
        dose_number -> Integer,
        subject_id -> Binary,
        sealed -> Binary,
        created_at_unix_ms -> BigInt,
    }
}

diesel::table! {
    vaccination (municipality, subject_id, id, version) {
        municipality -> Text,
        subject_id -> Binary,
        id -> Binary,
        version -> Integer,
        sealed -> Binary,
        created_at_unix_ms -> BigInt,
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
    held_inquiry (municipality, inquiry_id) {
        municipality -> Text,
        inquiry_id -> Binary,
        inquirer -> Text,
        subject_id -> Binary,
        held_at_unix_ms -> BigInt,
        procedure -> Text,
        legal_basis -> Text,
        state -> Text,
        proposal_sealed -> Nullable<Binary>,
        proposed_by -> Nullable<Text>,
        proposed_at_unix_ms -> Nullable<BigInt>,
        decided_by -> Nullable<Text>,
        decided_at_unix_ms -> Nullable<BigInt>,
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
    operation_tile (municipality, level, idx) {
        municipality -> Text,
        level -> SmallInt,
        idx -> BigInt,
        hashes -> Binary,
    }
}

diesel::table! {
    witness_state (municipality) {
        municipality -> Text,
        size -> BigInt,
        note -> Text,
        seen_at_unix_ms -> BigInt,
    }
}

diesel::table! {
    witness_evidence (municipality, seen_at_unix_ms) {
        municipality -> Text,
        seen_at_unix_ms -> BigInt,
        known_note -> Text,
        seen_note -> Text,
    }
}

diesel::table! {
    reconciliation (municipality) {
        municipality -> Text,
        next_index -> BigInt,
        reconciled_at_unix_ms -> BigInt,
    }
}

diesel::table! {
    one_sided (municipality, inquiry_id, side) {
        municipality -> Text,
        inquiry_id -> Binary,
        side -> Text,
        log_index -> Nullable<BigInt>,
        found_at_unix_ms -> BigInt,
        resolved_at_unix_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    inspection (municipality, to_sequence) {
        municipality -> Text,
        to_sequence -> BigInt,
        month -> Integer,
        body -> Binary,
        signature -> Binary,
    }
}

diesel::table! {
    operator_hold (municipality, operator, at_unix_ms) {
        municipality -> Text,
        operator -> Text,
        at_unix_ms -> BigInt,
        held -> Bool,
        rule -> Text,
    }
}

diesel::table! {
    operation_checkpoint (municipality, size) {
        municipality -> Text,
        size -> BigInt,
        issued_at_unix_ms -> BigInt,
        note -> Text,
    }
}

diesel::table! {
    batch (municipality, id) {
        municipality -> Text,
        id -> Binary,
        operator -> Text,
        operator_role -> Text,
        terminal -> Text,
        procedure -> Text,
        legal_basis -> Text,
        confirmation -> Text,
        total_bytes -> BigInt,
        sha256 -> Binary,
        state -> Text,
        stopped_because -> Nullable<Text>,
        rows -> BigInt,
        bad_rows -> BigInt,
        staged_rows -> BigInt,
        created_at_unix_ms -> BigInt,
        started_at_unix_ms -> Nullable<BigInt>,
        finished_at_unix_ms -> Nullable<BigInt>,
        expires_at_unix_ms -> BigInt,
    }
}

diesel::table! {
    batch_part (municipality, batch_id, part) {
        municipality -> Text,
        batch_id -> Binary,
        part -> Integer,
        bytes -> BigInt,
        sealed -> Binary,
    }
}

diesel::table! {
    batch_row (municipality, batch_id, row) {
        municipality -> Text,
        batch_id -> Binary,
        row -> Integer,
        provider -> Nullable<Text>,
        inquiry_id -> Nullable<Binary>,
        state -> Text,
        reason -> Nullable<Text>,
        file_column -> Nullable<Text>,
        question_sealed -> Nullable<Binary>,
        answer_sealed -> Nullable<Binary>,
    }
}

diesel::table! {
    notice_out (municipality, id) {
        municipality -> Text,
        id -> Binary,
        origin -> Binary,
        recipient -> Text,
        subject_id -> Binary,
        kind -> Text,
        inquiry_id -> Nullable<Binary>,
        state -> Text,
        sealed -> Binary,
        queued_at_unix_ms -> BigInt,
        next_try_at_unix_ms -> BigInt,
        tries -> Integer,
        log_index -> Nullable<BigInt>,
        receipt_sealed -> Nullable<Binary>,
    }
}

diesel::table! {
    notice_in (municipality, id) {
        municipality -> Text,
        id -> Binary,
        origin -> Binary,
        sender -> Text,
        subject_id -> Binary,
        kind -> Text,
        inquiry_id -> Binary,
        state -> Text,
        sealed -> Binary,
        log_index -> BigInt,
        receipt_sealed -> Binary,
        received_at_unix_ms -> BigInt,
        decided_by -> Nullable<Text>,
        decided_at_unix_ms -> Nullable<BigInt>,
    }
}

diesel::table! {
    device (municipality, name) {
        municipality -> Text,
        name -> Text,
        thumbprint -> Binary,
        verifying_key -> Binary,
        registered_at_unix_ms -> BigInt,
        revoked_at_unix_ms -> Nullable<BigInt>,
        told -> Bool,
    }
}

diesel::table! {
    capture_done (municipality, id, device) {
        municipality -> Text,
        device -> Text,
        id -> Binary,
        result -> Text,
        done_at_unix_ms -> BigInt,
    }
}

diesel::table! {
    exported_page (municipality, content, operations, after_subject) {
        municipality -> Text,
        content -> Text,
        operations -> BigInt,
        after_subject -> Binary,
        next_subject -> Nullable<Binary>,
        row_count -> BigInt,
        sha256 -> Binary,
    }
}
