//! Everything about one person, for that person: as data and as a page to print.

use domain::IndividualNumber;
use serde_json::{Value, json};
use wire::exports::{DISCLOSURES_FULL, DISCLOSURES_PAGE};
use wire::partition::INQUIRIES;
use wire::records::{RECORDS_FIND, SUBJECTS_FLAG, VACCINATIONS_CORRECT};

use super::door::{Door, Heard};
use super::exports::{at_desk, newest, operations};
use crate::support::{Engine, RUNTIME, World, dose, fresh_number, on_both, question};

fn digits(number: u32) -> String {
    IndividualNumber::for_test(number).reveal().to_owned()
}

pub(super) fn about(number: u32) -> Value {
    json!({ "individualNumber": digits(number) })
}

/// Registered in Adachi, moved to Koriyama, asked about, then corrected and flagged.
pub(super) async fn live_a_life(world: &World, number: u32) {
    let subject = world.live_in_adachi(number, &[dose(1), dose(2)]).await;
    world.arrive_in_koriyama(number).await;
    let koriyama = at_desk(world, &world.cast.koriyama.clerk).await;
    let asked = question(number, world.cast.adachi.code);
    let asked = serde_json::to_value(asked).unwrap();
    assert_eq!(koriyama.say(INQUIRIES, &asked).await.good()["outcome"], "provided");
    let door = at_desk(world, &world.cast.adachi.supervisor).await;
    let (etag, id) = newest(&door, subject, 0).await;
    let mut right = dose(1);
    right.lot = "RIGHT-1".to_owned();
    let body = json!({
        "subject": subject, "vaccination": id, "dose": right, "reason": "ロット番号の読み違い",
    });
    door.change(VACCINATIONS_CORRECT, &etag, &body).await.good();
    let found = door.say(RECORDS_FIND, &json!({ "subject": subject })).await.good();
    let etag = found["subject"]["etag"].as_str().unwrap();
    let body = json!({ "subject": subject, "withheld": true, "reason": "保護の申出" });
    door.change(SUBJECTS_FLAG, etag, &body).await.good();
}

async fn disclose(door: &Door, number: u32) -> Heard {
    door.say(DISCLOSURES_FULL, &about(number)).await
}

/// Waits until this part of a disclosure is there: notices go by themselves.
async fn disclose_until(door: &Door, number: u32, part: &str) -> Value {
    for _ in 0..300 {
        let told = disclose(door, number).await.good();
        if told.pointer(part).is_some_and(|part| !part.is_null()) {
            return told;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{part} did not come");
}

#[test]
fn the_person_sees_every_version_who_received_it_and_who_asked() {
    on_both(async |world| {
        let number = fresh_number();
        live_a_life(world, number).await;
        let adachi = at_desk(world, &world.cast.adachi.supervisor).await;
        let told = disclose(&adachi, number).await.good();
        let lots: Vec<_> = told["doses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                (one["version"].as_u64().unwrap(), one["dose"]["lot"].as_str().unwrap().to_owned())
            })
            .collect();
        assert_eq!(lots.len(), 3, "{told}");
        assert!(lots.contains(&(2, "RIGHT-1".to_owned())) && lots.contains(&(1, dose(1).lot)));
        let corrected = told["doses"].as_array().unwrap().iter();
        let mut corrected = corrected.filter(|one| one["version"] == 2);
        let source = &corrected.next().unwrap()["source"];
        assert_eq!(source["reason"], "ロット番号の読み違い");
        assert_eq!(source["operator"], "supervisor-adachi");
        assert_eq!(told["entry"].as_array().unwrap().len(), 2);
        assert_eq!(told["flags"].as_array().unwrap().len(), 1);
        assert_eq!(told["flags"][0]["flags"]["withheld"], true);
        let first = &told["provided"][0];
        assert_eq!(first["inquirer"], json!(world.cast.koriyama.code));
        assert_eq!(first["outcome"], "provided");
        assert!(first["receipt"]["proof"].is_array());
        let koriyama = at_desk(world, &world.cast.koriyama.supervisor).await;
        let told = disclose(&koriyama, number).await.good();
        assert_eq!(told["inquiries"][0]["provider"], json!(world.cast.adachi.code));
        assert_eq!(told["inquiries"][0]["procedure"], "transfer-in");
        assert!(told["inquiries"][0]["answeredAtUnixMs"].is_i64());
        // What was received, as long as it is kept; then what was told later.
        let received = told["inquiries"][0]["received"].as_array().unwrap();
        assert_eq!(received.len(), 2);
        assert!(told["inquiries"][0]["expiresAtUnixMs"].is_i64());
        let told = disclose_until(&koriyama, number, "/notices/0").await;
        let notice = &told["notices"][0];
        assert_eq!(notice["sender"], json!(world.cast.adachi.code));
        assert_eq!((&notice["kind"], &notice["state"]), (&json!("corrected"), &json!("open")));
        assert!(notice["content"].as_str().unwrap().contains("RIGHT-1"), "{notice}");
        let told_on = disclose_until(&adachi, number, "/provided/1/receipt").await;
        assert_eq!(told_on["provided"][1]["outcome"], "corrected");
        assert!(told["provided"].as_array().unwrap().is_empty());
    });
}

#[test]
fn the_number_is_nowhere_in_what_is_disclosed() {
    on_both(async |world| {
        let number = fresh_number();
        live_a_life(world, number).await;
        for town in [&world.cast.adachi, &world.cast.koriyama] {
            let door = at_desk(world, &town.supervisor).await;
            for path in [DISCLOSURES_FULL, DISCLOSURES_PAGE] {
                let heard = door.say(path, &about(number)).await;
                assert_eq!(heard.status, 200, "{heard:?}");
                assert!(!heard.text().contains(&digits(number)));
                assert!(heard.headers.values().all(|value| !value.contains(&digits(number))));
                assert_eq!(heard.headers["cache-control"], "no-store");
            }
        }
    });
}

#[test]
fn a_name_can_not_write_the_page() {
    on_both(async |world| {
        let number = fresh_number();
        let nasty = "</td><script src=//x>a('1')</script><img onerror=\"b\">&lt;";
        let clerk = at_desk(world, &world.cast.adachi.clerk).await;
        let person = json!({
            "individualNumber": digits(number), "addressNumber": format!("<b>{number}"),
            "name": nasty, "nameKana": "\u{202E}シケン", "birthDate": "1989-01-08", "sex": "female",
        });
        let subject = clerk.say(wire::partition::SUBJECTS, &person).await.good();
        let mut given = dose(1);
        given.maker = "<style>*{display:none}</style>".to_owned();
        let given = json!({ "subject": subject["subject"], "vaccination": given });
        clerk.say(wire::partition::VACCINATIONS, &given).await.good();
        let door = at_desk(world, &world.cast.adachi.supervisor).await;
        let heard = door.say(DISCLOSURES_PAGE, &about(number)).await;
        assert_eq!(heard.status, 200);
        assert_eq!(heard.headers["content-type"], "text/html; charset=utf-8");
        assert!(heard.headers["content-security-policy"].starts_with("default-src 'none';"));
        let page = heard.text();
        let escaped = nasty.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let escaped = escaped.replace('"', "&quot;").replace('\'', "&#39;");
        assert!(page.contains(&format!("<dd>{escaped}</dd>")));
        let tags = page.split('<').skip(1).map(|rest| rest.split(['>', ' ']).next().unwrap());
        let known = [
            "!DOCTYPE", "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p",
            "table", "thead", "tbody", "tr", "th", "td", "footer", "strong", "header", "nav",
            "section", "ol", "li", "dl", "dt", "dd",
        ];
        for tag in tags {
            assert!(known.contains(&tag.trim_start_matches('/')), "<{tag}");
        }
        assert_eq!(page.matches("<style>").count(), 1);
        assert!(!page.contains('\u{202E}'));
        assert!(page.contains("平成元年1月8日（1989年）"));
        assert!(page.contains("supervisor-adachi（terminal-adachi）"));
        assert!(page.contains(&heard.headers["x-request-id"]));
    });
}

#[test]
fn a_disclosure_is_a_supervisors_act_and_on_record() {
    on_both(async |world| {
        let number = fresh_number();
        let subject = world.live_in_adachi(number, &[dose(1)]).await;
        for path in [DISCLOSURES_FULL, DISCLOSURES_PAGE] {
            let clerk = at_desk(world, &world.cast.adachi.clerk).await;
            let refused = clerk.say(path, &about(number)).await;
            assert_eq!(refused.refusal(), (403, "denied".to_owned()));
            let ledger = Door::of(world, world.cast.adachi.ledger.as_str(), None);
            let refused = ledger.say(path, &about(number)).await;
            assert_eq!(refused.refusal(), (403, "denied".to_owned()));
            let other = at_desk(world, &world.cast.uruma.supervisor).await;
            let unknown = other.say(path, &about(number)).await;
            assert_eq!(unknown.refusal(), (404, "not-found".to_owned()));
            let door = at_desk(world, &world.cast.adachi.supervisor).await;
            assert_eq!(door.say(path, &about(number)).await.status, 200);
        }
        let log = operations(&world.desk(&world.cast.adachi.supervisor).await).await;
        let about_them = log.iter().filter(|one| one.subject == Some(subject));
        let lines: Vec<_> =
            about_them.filter(|one| one.act == "DiscloseAll").map(|one| &one.purpose).collect();
        assert_eq!(lines, ["data", "page"]);
    });
}

#[test]
fn only_a_dated_rule_hides_and_only_what_it_names() {
    RUNTIME.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("exemptions.csv");
        let row = "transfer-in,number-act-19-16,2020-01-01,,a rule of the test";
        let head = "procedure,legal_basis,hidden_from,hidden_until,source";
        std::fs::write(&rules, format!("{head}\n{row}\n")).unwrap();
        let world = World::start_with(Engine::Sqlite, |settings| {
            settings.partition.as_mut().unwrap().disclosure_exemptions = Some(rules);
        });
        let world = world.await;
        let number = fresh_number();
        live_a_life(&world, number).await;
        let adachi = at_desk(&world, &world.cast.adachi.supervisor).await;
        let told = disclose(&adachi, number).await.good();
        assert!(told["provided"].as_array().unwrap().is_empty());
        assert_eq!(told["doses"].as_array().unwrap().len(), 3);
        let koriyama = at_desk(&world, &world.cast.koriyama.supervisor).await;
        let told = disclose(&koriyama, number).await.good();
        assert!(told["inquiries"].as_array().unwrap().is_empty());
        let log = operations(&world.desk(&world.cast.koriyama.supervisor).await).await;
        let line = log.iter().find(|one| one.act == "DiscloseAll").unwrap();
        assert!(line.result.ends_with("hidden by law 1"), "{}", line.result);
        world.house.stop().await;
    });
}
