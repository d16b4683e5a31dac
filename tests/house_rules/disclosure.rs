//! Whoever asks what a municipality knows of them hears everything.

use toml::{Table, Value};

use crate::house::{expect_none, read};

const COLUMNS: &str = "docs/columns.toml";
const LISTS: &str = "shared/exports/src/disclose_all.rs";
const ANSWER: &str = "shared/wire/src/exports.rs";

#[test]
fn every_table_that_tells_of_a_person_is_in_the_disclosure_or_says_why_not() {
    expect_none(&forgotten(&read(COLUMNS), &read(LISTS), &read(ANSWER)));
}

fn forgotten(columns: &str, lists: &str, answer: &str) -> Vec<String> {
    let columns: Table = columns.parse().unwrap();
    let Some(Value::Table(rooms)) = columns.get("room") else { return vec!["no rooms".to_owned()] };
    let (lists, mut found) = (without_spaces(lists), Vec::new());
    for (table, columns) in rooms {
        if !columns.as_table().unwrap().values().any(tells_of_a_person) {
            continue;
        }
        let places: Vec<&str> = lists
            .split(&format!("(\"{table}\",\""))
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        match places.as_slice() {
            [] => found.push(format!("{table}: write it into SHOWN or NOT_SHOWN of {LISTS}")),
            [place] => {
                let is_reason = place.len() > 20;
                if !is_reason && !answer.contains(&format!("    pub {place}: ")) {
                    found.push(format!("{table}: {ANSWER} has no field `{place}`"));
                }
            }
            _ => found.push(format!("{table}: stands in {LISTS} twice")),
        }
    }
    found
}

fn tells_of_a_person(column: &Value) -> bool {
    let word = |name: &str| column.get(name).and_then(Value::as_str).unwrap_or_default();
    matches!(word("class"), "personal-sealed" | "blind-index") || word("why").contains("person")
}

fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn a_planted_table_that_nobody_is_told_of_is_found() {
    let columns = "[room.allergy]\nsealed = { class = \"personal-sealed\", why = \"words\" }\n\
                   [room.clock]\nhour = { class = \"plain\", why = \"time\" }\n";
    assert_eq!(forgotten(columns, "", "").len(), 1);
    let answer = "    pub allergies: Vec<String>,";
    assert!(forgotten(columns, "(\"allergy\", \"allergies\"),", answer).is_empty());
    assert_eq!(forgotten(columns, "(\"allergy\", \"illnesses\"),", answer).len(), 1);
    let reason = "(\"allergy\", \"kept for the doctor alone\"),";
    assert!(forgotten(columns, reason, "").is_empty());
    assert_eq!(forgotten(columns, &format!("{reason}{reason}"), "").len(), 1);
}
