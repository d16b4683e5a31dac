//! A municipality's own systems act under their certificates, in their own room and nowhere else.

use domain::IndividualNumber;
use serde_json::{Value, json};
use watari::story::cast::Town;
use wire::fhir::{ADDRESS_NUMBER_SYSTEM, FHIR_JSON, FORM, IMMUNIZATION_SEARCH};
use wire::partition::{SUBJECTS, VACCINATIONS};
use wire::pmh::{PMH_VACCINATIONS, PMH_VACCINATIONS_SEARCH};
use wire::records::{RECORDS_HISTORY, SUBJECTS_FLAG, VACCINATIONS_CORRECT, VACCINATIONS_WITHDRAW};

use super::door::{Door, Heard};
use super::exports::{at_desk, newest, operations};
use crate::support::{World, dose, fresh_number, on_both};

fn ledger(world: &World, town: &Town) -> Door {
    Door::of(world, town.ledger.as_str(), None)
}

fn person(number: u32) -> Value {
    json!({
        "individualNumber": IndividualNumber::for_test(number).reveal(),
        "addressNumber": format!("TEST{number:08}"), "name": "試験 太郎", "nameKana": "シケン",
        "birthDate": "1980-01-02", "sex": "male",
    })
}

/// A person whom Adachi's ledger registers with these many doses.
async fn register(world: &World, number: u32, doses: u16) -> Value {
    let door = ledger(world, &world.cast.adachi);
    let subject = door.say(SUBJECTS, &person(number)).await.good()["subject"].clone();
    for nth in 1..=doses {
        let given = json!({ "subject": subject, "vaccination": dose(nth) });
        door.say(VACCINATIONS, &given).await.good();
    }
    subject
}

#[test]
fn the_ledger_registers_corrects_and_flags_under_its_own_name() {
    on_both(async |world| {
        let subject = register(world, fresh_number(), 1).await;
        let (door, staff) =
            (ledger(world, &world.cast.adachi), at_desk(world, &world.cast.adachi.clerk).await);
        let id: uuid::Uuid = serde_json::from_value(subject.clone()).unwrap();
        let (etag, vaccination) = newest(&staff, id, 0).await;
        let mut right = dose(1);
        right.lot = "RIGHT-2".to_owned();
        let body = json!({
            "subject": subject, "vaccination": vaccination, "dose": right, "reason": "台帳の訂正",
        });
        let changed = door.change(VACCINATIONS_CORRECT, &etag, &body).await.good();
        assert_eq!(changed["version"], 2);
        let again = door.change(VACCINATIONS_CORRECT, &etag, &body).await;
        assert_eq!(again.status, 412, "a version that was superseded can't be decided on");
        let history = staff.say(RECORDS_HISTORY, &json!({ "subject": subject })).await.good();
        let etag = history["subject"][0]["etag"].as_str().unwrap();
        let moved = json!({ "subject": subject, "movedOutOn": "2026-04-01", "reason": "転出届" });
        door.change(SUBJECTS_FLAG, etag, &moved).await.good();
        let history = staff.say(RECORDS_HISTORY, &json!({ "subject": subject })).await.good();
        for version in [&history["subject"][0], &history["doses"][0], &history["doses"][1]] {
            assert_eq!(version["source"]["system"], "ledger-adachi", "{history}");
        }
        let log = operations(&world.desk(&world.cast.adachi.supervisor).await).await;
        let acts: Vec<&str> = log
            .iter()
            .filter(|one| one.subject == Some(id) && one.actor == "system/ledger-adachi")
            .map(|one| one.act.as_str())
            .collect();
        for act in ["RegisterSubject", "RegisterVaccination", "CorrectVaccination", "FlagSubject"] {
            assert!(acts.contains(&act), "{act}: {acts:?}");
        }
    });
}

#[test]
fn what_is_for_people_is_closed_to_a_system() {
    on_both(async |world| {
        let door = ledger(world, &world.cast.adachi);
        for path in [
            wire::partition::INQUIRIES,
            wire::partition::PROVISIONS_LIST,
            wire::partition::OPERATION_LOG_LIST,
            wire::partition::DISCLOSURES,
            wire::records::RECORDS_FIND,
            wire::exports::DISCLOSURES_FULL,
        ] {
            assert_eq!(door.say(path, &json!({})).await.refusal(), (403, "denied".to_owned()));
        }
    });
}

fn form(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| {
        let plain = |byte: u8| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        };
        text.bytes().map(plain).collect::<String>()
    };
    let pairs = fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    pairs.collect::<Vec<_>>().join("&")
}

async fn search(door: &Door, fields: &[(&str, &str)]) -> Heard {
    door.say_with(IMMUNIZATION_SEARCH, &[("content-type", FORM)], form(fields)).await
}

fn patient(town: &Town, number: u32) -> String {
    format!("{ADDRESS_NUMBER_SYSTEM}{}|TEST{number:08}", town.code)
}

#[test]
fn a_search_finds_one_persons_doses_in_the_shape_of_jp_core() {
    on_both(async |world| {
        let number = fresh_number();
        let subject = register(world, number, 2).await;
        let door = ledger(world, &world.cast.adachi);
        let who = patient(&world.cast.adachi, number);
        let heard = search(&door, &[("patient.identifier", &who)]).await;
        assert_eq!(heard.headers["content-type"], FHIR_JSON);
        assert_eq!(heard.headers["cache-control"], "no-store");
        let text = heard.text().to_owned();
        for hidden in [IndividualNumber::for_test(number).reveal(), "試験 太郎", "シケン"] {
            assert!(!text.contains(hidden), "{text}");
        }
        let bundle = heard.good();
        assert_eq!(bundle["resourceType"], "Bundle");
        assert_eq!((&bundle["type"], &bundle["total"]), (&json!("searchset"), &json!(2)));
        let found = &bundle["entry"][0]["resource"];
        assert_eq!(bundle["entry"][0]["search"]["mode"], "match");
        for (pointer, want) in [
            ("/resourceType", json!("Immunization")),
            ("/status", json!("completed")),
            ("/patient/identifier/value", json!(format!("TEST{number:08}"))),
            ("/occurrenceDateTime", json!(dose(1).date.to_string())),
            ("/lotNumber", json!(dose(1).lot)),
            ("/manufacturer/display", json!(dose(1).maker)),
            ("/protocolApplied/0/doseNumberPositiveInt", json!(1)),
            ("/meta/versionId", json!("1")),
            ("/primarySource", json!(true)),
        ] {
            assert_eq!(found.pointer(pointer), Some(&want), "{pointer} of {found}");
        }
        assert!(found["vaccineCode"]["text"].is_string());
        assert!(found["patient"].get("display").is_none());
        let day = dose(2).date.to_string();
        let found = search(&door, &[("patient.identifier", &who), ("date", &day)]).await.good();
        assert_eq!(found["total"].as_u64(), Some(if dose(1).date == dose(2).date { 2 } else { 1 }));
        let few = search(&door, &[("patient.identifier", &who), ("_count", "1")]).await.good();
        assert_eq!((&few["total"], few["entry"].as_array().unwrap().len()), (&json!(2), 1));
        withdraw(world, &subject).await;
        let bundle = search(&door, &[("patient.identifier", &who)]).await.good();
        assert_eq!(bundle["entry"][0]["resource"]["status"], "entered-in-error");
        assert_eq!(bundle["entry"][0]["resource"]["meta"]["versionId"], "2");
    });
}

async fn withdraw(world: &World, subject: &Value) {
    let staff = at_desk(world, &world.cast.adachi.clerk).await;
    let id = serde_json::from_value(subject.clone()).unwrap();
    let (etag, vaccination) = newest(&staff, id, 0).await;
    let body = json!({ "subject": subject, "vaccination": vaccination, "reason": "別人の記録" });
    let door = ledger(world, &world.cast.adachi);
    door.change(VACCINATIONS_WITHDRAW, &etag, &body).await.good();
}

#[test]
fn in_fhir_there_is_nothing_but_the_search_and_it_changes_nothing() {
    let ways = watari::services::endpoints(domain::ServiceKind::Partition)
        .iter()
        .map(|endpoint| (endpoint.path, endpoint.action));
    let ways: Vec<_> = ways.filter(|(path, _)| path.starts_with("/fhir")).collect();
    assert_eq!(ways, [(IMMUNIZATION_SEARCH, domain::Action::SearchImmunizations)]);
    on_both(async |world| {
        let number = fresh_number();
        register(world, number, 1).await;
        let door = ledger(world, &world.cast.adachi);
        let who = patient(&world.cast.adachi, number);
        let before = search(&door, &[("patient.identifier", &who)]).await.good();
        let mut resource = before["entry"][0]["resource"].clone();
        resource["lotNumber"] = json!("OTHER");
        let entry = json!([{ "resource": resource, "request": { "method": "PUT" } }]);
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entry });
        let one = format!("/fhir/Immunization/{}", resource["id"].as_str().unwrap());
        for (path, body) in
            [("/fhir/Immunization", &resource), (&one, &resource), ("/fhir", &bundle)]
        {
            let heard = door.say_with(path, &[("content-type", FHIR_JSON)], body.to_string()).await;
            assert_eq!(heard.status, 401, "{path}: {heard:?}");
        }
        assert_eq!(search(&door, &[("patient.identifier", &who)]).await.good(), before);
    });
}

#[test]
fn every_search_leaves_one_line_that_says_how_it_ended() {
    on_both(async |world| {
        let (number, unknown) = (fresh_number(), fresh_number());
        let subject = register(world, number, 2).await;
        let subject: Option<uuid::Uuid> = serde_json::from_value(subject).unwrap();
        let (door, town) = (ledger(world, &world.cast.adachi), &world.cast.adachi);
        let (own, nobody) = (patient(town, number), patient(town, unknown));
        let foreign = patient(&world.cast.uruma, number);
        let mut expected = Vec::new();
        for (fields, subject, result) in [
            (
                vec![("patient.identifier", own.as_str()), ("_count", "1")],
                subject,
                "found 2, shown 1",
            ),
            (vec![("patient.identifier", nobody.as_str())], None, "found 0, shown 0"),
            (vec![("patient.identifier", foreign.as_str())], None, "malformed"),
            (vec![], None, "malformed"),
        ] {
            let heard = search(&door, &fields).await;
            expected.push((heard.headers["x-request-id"].clone(), subject, result));
        }
        let log = operations(&world.desk(&town.supervisor).await).await;
        for (request, subject, result) in expected {
            let lines: Vec<_> = log.iter().filter(|one| one.request == request).collect();
            let [line] = lines.as_slice() else { panic!("{result}: {lines:?}") };
            assert_eq!((line.subject, line.result.as_str()), (subject, result));
            let (actor, act) = (line.actor.as_str(), line.act.as_str());
            assert_eq!((actor, act), ("system/ledger-adachi", "SearchImmunizations"));
        }
    });
}

#[test]
fn who_is_unknown_and_who_has_no_doses_are_answered_alike() {
    on_both(async |world| {
        let (bare, unknown) = (fresh_number(), fresh_number());
        register(world, bare, 0).await;
        let door = ledger(world, &world.cast.adachi);
        let mut answers = Vec::new();
        for number in [bare, unknown] {
            let who = patient(&world.cast.adachi, number);
            answers.push(search(&door, &[("patient.identifier", &who)]).await.good());
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0]["total"], 0);
    });
}

#[test]
fn a_wrong_search_is_an_operation_outcome_that_repeats_nothing() {
    on_both(async |world| {
        let number = fresh_number();
        register(world, number, 1).await;
        let door = ledger(world, &world.cast.adachi);
        let own = patient(&world.cast.adachi, number);
        let foreign = patient(&world.cast.uruma, number);
        let two = format!("{own},{own}");
        for fields in [
            vec![],
            vec![("patient.identifier", foreign.as_str())],
            vec![("patient.identifier", two.as_str())],
            vec![("patient.identifier", own.as_str()), ("patient.identifier", own.as_str())],
            vec![("patient.identifier", own.as_str()), ("date", "lately")],
            vec![("patient.identifier", own.as_str()), ("patient.name", "Taro")],
        ] {
            let heard = search(&door, &fields).await;
            assert_eq!(heard.refusal(), (400, "malformed".to_owned()), "{fields:?}");
            assert_eq!(heard.headers["content-type"], FHIR_JSON);
            assert_eq!(heard.json()["resourceType"], "OperationOutcome");
            assert_eq!(heard.json()["issue"][0]["severity"], "error");
            assert!(!heard.text().contains(&format!("{number:08}")), "{heard:?}");
            assert!(!heard.text().contains("Taro") && !heard.text().contains("patient.name"));
        }
        let lenient = [("content-type", FORM), ("prefer", "handling=lenient")];
        let fields = form(&[("patient.identifier", &own), ("patient.name", "Taro")]);
        let heard = door.say_with(IMMUNIZATION_SEARCH, &lenient, fields).await;
        assert_eq!(heard.good()["total"], 1);
    });
}

#[test]
fn staff_may_search_too_and_a_neighbours_ledger_finds_nobody() {
    on_both(async |world| {
        let number = fresh_number();
        register(world, number, 1).await;
        let who = patient(&world.cast.adachi, number);
        let clerk = at_desk(world, &world.cast.adachi.clerk).await;
        assert_eq!(search(&clerk, &[("patient.identifier", &who)]).await.good()["total"], 1);
        let neighbour = ledger(world, &world.cast.uruma);
        let heard = search(&neighbour, &[("patient.identifier", &who)]).await;
        assert_eq!(heard.refusal(), (400, "malformed".to_owned()));
        let same_number = patient(&world.cast.uruma, number);
        let heard = search(&neighbour, &[("patient.identifier", &same_number)]).await;
        assert_eq!(heard.good()["total"], 0);
    });
}

async fn send(door: &Door, items: Value) -> Value {
    let heard = door.say(PMH_VACCINATIONS, &json!({ "vaccinations": items })).await;
    heard.good()["results"].clone()
}

#[test]
fn a_batch_registers_updates_and_deletes_and_each_item_ends_by_itself() {
    on_both(async |world| {
        let (number, unknown) = (fresh_number(), fresh_number());
        register(world, number, 0).await;
        let door = ledger(world, &world.cast.adachi);
        let who = format!("TEST{number:08}");
        let new = |nth: u16| {
            json!({ "modificationSeg": "1", "municipalityIdentityKey": who,
                "vaccination": dose(nth) })
        };
        let stranger = json!({ "modificationSeg": "1",
            "municipalityIdentityKey": format!("TEST{unknown:08}"), "vaccination": dose(1) });
        let first = send(&door, json!([new(1), stranger, new(2), new(0)])).await;
        let ends: Vec<_> = first.as_array().unwrap().iter().map(|one| &one["result"]).collect();
        assert_eq!(ends, ["registered", "refused", "registered", "refused"]);
        assert_eq!(
            (&first[1]["code"], &first[3]["field"]),
            (&json!("not-found"), &json!("vaccination.doseNumber"))
        );
        let again = send(&door, json!([new(1), new(2)])).await;
        assert_eq!(
            (&again[0]["result"], &again[1]["result"]),
            (&json!("unchanged"), &json!("unchanged"))
        );
        assert_eq!(again[0]["historyKey"], first[0]["historyKey"]);

        let mut right = dose(1);
        right.lot = "RIGHT-3".to_owned();
        let update = json!({ "modificationSeg": "1", "municipalityIdentityKey": who,
            "historyKey": first[0]["historyKey"], "vaccination": right, "reason": "台帳の訂正" });
        let delete = json!({ "modificationSeg": "2", "municipalityIdentityKey": who,
            "historyKey": first[2]["historyKey"], "reason": "別人の記録" });
        let silent = json!({ "modificationSeg": "2", "municipalityIdentityKey": who,
            "historyKey": first[2]["historyKey"] });
        let changed = send(&door, json!([silent, update, delete, update])).await;
        let ends: Vec<_> = changed.as_array().unwrap().iter().map(|one| &one["result"]).collect();
        assert_eq!(ends, ["refused", "updated", "deleted", "refused"]);
        assert_eq!(
            (&changed[0]["field"], &changed[3]["code"]),
            (&json!("reason"), &json!("superseded"))
        );

        let wanted = json!({ "municipalityIdentityKey": who });
        let found = door.say(PMH_VACCINATIONS_SEARCH, &wanted).await;
        let number = IndividualNumber::for_test(number);
        assert!(!found.text().contains(number.reveal()));
        let found = found.good();
        assert_eq!(found["basicFiveInfo"]["sex"], "1");
        assert_eq!(found["isNotDisclosed"], false);
        let doses = found["vaccinations"].as_array().unwrap();
        let seen: Vec<_> =
            doses.iter().map(|one| (&one["isDeleted"], &one["historyKey"])).collect();
        assert_eq!(
            seen,
            [(&json!(false), &changed[1]["historyKey"]), (&json!(true), &changed[2]["historyKey"])]
        );
        assert_eq!(doses[0]["vaccination"]["lot"], "RIGHT-3");
        let log = operations(&world.desk(&world.cast.adachi.supervisor).await).await;
        let line = "corrected 1, refused 2, withdrawn 1";
        assert!(log.iter().any(|one| one.result == line && one.actor == "system/ledger-adachi"));
    });
}

#[test]
fn a_batch_is_bounded_and_a_neighbours_people_are_unknown() {
    on_both(async |world| {
        let number = fresh_number();
        register(world, number, 0).await;
        let item = json!({ "modificationSeg": "1",
            "municipalityIdentityKey": format!("TEST{number:08}"), "vaccination": dose(1) });
        let own = ledger(world, &world.cast.adachi);
        for items in [vec![], vec![item.clone(); 1_001]] {
            let heard = own.say(PMH_VACCINATIONS, &json!({ "vaccinations": items })).await;
            assert_eq!(heard.refusal(), (400, "malformed".to_owned()));
        }
        let neighbour = ledger(world, &world.cast.uruma);
        let ends = send(&neighbour, json!([item])).await;
        assert_eq!(ends[0]["code"], "not-found");
        let who = json!({ "municipalityIdentityKey": format!("TEST{number:08}") });
        let heard = neighbour.say(PMH_VACCINATIONS_SEARCH, &who).await;
        assert_eq!(heard.refusal(), (404, "not-found".to_owned()));
    });
}
