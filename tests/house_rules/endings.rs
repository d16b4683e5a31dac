//! Nothing personal is forgotten when keys change or somebody is erased.

use crate::house::{expect_none, read};
use crate::schema::{POSTGRES, Schema, is_append_only, partition, planted};

const RESEAL: &str = "shared/room/src/store/reseal.rs";
const ERASED: &str = "shared/erasure/src/store/personal.rs";

#[test]
fn every_sealed_column_is_sealed_anew_when_keys_change() {
    expect_none(&left_behind(&partition(POSTGRES), &read(RESEAL)));
}

#[test]
fn every_table_that_names_a_person_is_erased_or_says_why_not() {
    expect_none(&not_erased(&partition(POSTGRES), &read(ERASED)));
}

/// Tables in which nothing changes are under the record key, which is not replaced.
fn left_behind(schema: &Schema, list: &str) -> Vec<String> {
    let list = without_spaces(list);
    let mut found = Vec::new();
    for table in schema.tables() {
        let sealed = table.columns.iter().filter(|own| own.comment.starts_with("(encrypted)"));
        for column in sealed {
            let is_listed =
                list.contains(&format!("column(\"{}\",\"{}\",", table.name, column.name));
            if is_listed == is_append_only(&schema.service, &table.name) {
                let place = format!("{}.{}", table.name, column.name);
                found.push(format!(
                    "{place}: write it into COLUMNS of {RESEAL}, or make its table append-only \
                     and seal it with `seal_record`"
                ));
            }
        }
    }
    found
}

fn not_erased(schema: &Schema, list: &str) -> Vec<String> {
    let list = without_spaces(list);
    let tables = schema.tables().into_iter();
    let named = tables.filter(|table| table.columns.iter().any(|own| own.name == "subject_id"));
    let missing = named.filter(|table| {
        let (gone, kept) = (format!("table:\"{}\"", table.name), format!("(\"{}\",\"", table.name));
        list.contains(&gone) == list.contains(&kept)
    });
    missing
        .map(|table| format!("{}: write it into {ERASED}, with what becomes of it", table.name))
        .collect()
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn a_planted_column_that_would_be_left_behind_is_found() {
    let sql = "CREATE TABLE subject (\n    sealed BYTEA -- (encrypted) name\n);\n\
               CREATE TABLE provision (\n    content_sealed BYTEA -- (encrypted) doses\n);\n";
    let list = "column(\n    \"subject\",\n    \"sealed\", &[])";
    assert!(left_behind(&planted(sql), list).is_empty());
    assert_eq!(left_behind(&planted(sql), "").len(), 1);
    let both = format!("{list} column(\"provision\", \"content_sealed\", &[])");
    assert_eq!(left_behind(&planted(sql), &both).len(), 1);
}

#[test]
fn a_planted_table_that_nobody_erases_is_found() {
    let sql = "CREATE TABLE voucher (\n    subject_id BYTEA\n);\n";
    assert_eq!(not_erased(&planted(sql), "").len(), 1);
    assert!(not_erased(&planted(sql), "table: \"voucher\"").is_empty());
    assert!(not_erased(&planted(sql), "(\"voucher\", \"kept by law\")").is_empty());
}
