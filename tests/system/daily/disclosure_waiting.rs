//! What a municipality holds of a person beside the register is disclosed, too.

use domain::IndividualNumber;
use interchange::layout::{DOSES_1, SUBJECTS_1};
use serde_json::{Value, json};
use wire::exports::{DISCLOSURES_FULL, DISCLOSURES_PAGE};
use wire::imports::Purpose;

use super::comparing::checked;
use super::door::Door;
use super::exports::at_desk;
use crate::support::{World, dose, fresh_number, on_both};

fn about(number: u32) -> Value {
    json!({ "individualNumber": IndividualNumber::for_test(number).reveal() })
}

fn ledger(world: &World) -> Door {
    Door::of(world, world.cast.adachi.ledger.as_str(), None)
}

/// One row of a person's dose, and whose lot it names.
fn row(number: u32, nth: u16, lot: &str) -> String {
    let dose = dose(nth);
    format!("TEST{number:08},{nth},{},{},{lot},,,,", dose.date, dose.maker)
}

#[test]
fn what_waits_for_people_or_for_approval_and_what_was_compared_is_told() {
    on_both(async |world| {
        let (number, other) = (fresh_number(), fresh_number());
        world.live_in_adachi(number, &[dose(1)]).await;
        world.live_in_adachi(other, &[dose(1)]).await;
        let (system, desk) = (ledger(world), at_desk(world, &world.cast.adachi.supervisor).await);
        let header = DOSES_1.header();
        // A dose that differs from the registered one, and one that is new.
        let rows = [row(number, 1, "EY9999"), row(number, 2, &dose(2).lot)].join("\n");
        let file = format!("{header}\n{rows}\n");
        checked(&system, file.as_bytes(), Purpose::Register).await;
        let file = format!("{header}\n{}\n", row(other, 1, &dose(1).lot));
        checked(&system, file.as_bytes(), Purpose::Compare).await;

        let told = desk.say(DISCLOSURES_FULL, &about(number)).await.good();
        let doubtful = told["doubtful"].as_array().unwrap();
        let is_differing = |one: &&Value| one["given"]["dose"]["dose"]["lot"] == "EY9999";
        let found = doubtful.iter().find(is_differing).unwrap_or_else(|| panic!("{told}"));
        assert_eq!((&found["state"], &found["line"]), (&json!("staged"), &json!(2)));
        assert_eq!(found["doubts"][0]["code"], "registered-differs");
        let waiting: Vec<&Value> = told["waiting"].as_array().unwrap().iter().collect();
        let waits = |one: &&&Value| one["doses"][0]["dose"]["doseNumber"] == 2;
        assert!(doubtful.len() == 2 || waiting.iter().any(|one| waits(&one)), "{told}");
        assert_eq!(told["findings"][0]["reason"], "missing-in-file");
        assert_eq!(told["findings"][0]["about"], told["doses"][0]["vaccination"]);
        let page = desk.say(DISCLOSURES_PAGE, &about(number)).await;
        assert!(page.text().contains("EY9999") && page.text().contains("ファイルにありません。"));

        let told = desk.say(DISCLOSURES_FULL, &about(other)).await.good();
        assert!(told["doubtful"].as_array().unwrap().is_empty(), "{told}");
        assert!(told["findings"].as_array().unwrap().is_empty(), "{told}");
    });
}

#[test]
fn who_is_only_in_a_file_that_nobody_has_approved_is_told_so() {
    on_both(async |world| {
        let (number, nobody) = (fresh_number(), fresh_number());
        let digits = IndividualNumber::for_test(number);
        let header = SUBJECTS_1.header();
        let row = format!("{},TEST{number:08},試験 花子,ハナコ,1980-01-02,2,,", digits.reveal());
        let file = format!("{header}\n{row}\n");
        checked(&ledger(world), file.as_bytes(), Purpose::Register).await;
        let desk = at_desk(world, &world.cast.adachi.supervisor).await;
        let told = desk.say(DISCLOSURES_FULL, &about(number)).await;
        assert!(!told.text().contains(digits.reveal()));
        let told = told.good();
        assert!(told["entry"].as_array().unwrap().is_empty());
        let waits = &told["waiting"][0]["entry"][0]["name"];
        let doubted = &told["doubtful"][0]["given"]["person"]["name"];
        assert!([waits, doubted].contains(&&json!("試験 花子")), "{told}");
        let refused = desk.say(DISCLOSURES_FULL, &about(nobody)).await.refusal();
        assert_eq!(refused, (404, "not-found".to_owned()));
        let other = at_desk(world, &world.cast.uruma.supervisor).await;
        let refused = other.say(DISCLOSURES_FULL, &about(number)).await.refusal();
        assert_eq!(refused, (404, "not-found".to_owned()));
    });
}
