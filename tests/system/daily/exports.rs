//! Files for the ledger: they hold what was registered, read back, and never a number.

use std::collections::BTreeMap;

use domain::law::day_in_japan;
use domain::vaccination::Vaccination;
use domain::{Clock as _, IndividualNumber, SystemClock};
use interchange::{Checker, DoseRow, Options, Row};
use serde_json::{Value, json};
use uuid::Uuid;
use watari::story::cast::{Person, Town};
use wire::partition::{OPERATION_LOG_LIST, OperationLog};
use wire::records::VACCINATIONS_WITHDRAW;

use super::door::Door;
use crate::support::{World, alone_on_both, dose, fresh_number, on_both};

const DOSES: &str = wire::exports::EXPORTS_DOSES;
const SUBJECTS: &str = wire::exports::EXPORTS_SUBJECTS;

pub(super) async fn at_desk(world: &World, person: &Person) -> Door {
    let token = world.desk(person).await.session().token.clone();
    Door::of(world, person.terminal.as_str(), Some(&token))
}

fn ledger(world: &World, town: &Town) -> Door {
    Door::of(world, town.ledger.as_str(), None)
}

/// All pages of a file put together, with all remarks.
pub(super) async fn whole(
    door: &Door,
    path: &str,
    wanted: Value,
    limit: u16,
) -> (Vec<u8>, Vec<Value>) {
    whole_while(door, path, (wanted, limit), async || ()).await
}

/// The same, while something is done after the first page.
async fn whole_while(
    door: &Door,
    path: &str,
    (wanted, limit): (Value, u16),
    meanwhile: impl AsyncFn(),
) -> (Vec<u8>, Vec<Value>) {
    let (mut file, mut remarks, mut from) = (Vec::new(), Vec::new(), Value::Null);
    loop {
        let mut page = wanted.clone();
        page["limit"] = json!(limit);
        let is_first = from.is_null();
        if !is_first {
            page["from"] = from;
        }
        let heard = door.say(path, &page).await;
        // What other tests do at the same time may leave it open what belongs to the file.
        if heard.status == 409 && heard.json()["code"] == "export-outdated" {
            (file, remarks, from) = (Vec::new(), Vec::new(), Value::Null);
            continue;
        }
        let page = heard.good();
        let content: wire::Base64Bytes = serde_json::from_value(page["content"].clone()).unwrap();
        let digest = crypto::sha256(&content.0).map(|byte| format!("{byte:02x}")).concat();
        assert_eq!(page["sha256"], json!(digest));
        file.extend(content.0);
        remarks.extend(page["remarks"].as_array().unwrap().iter().cloned());
        from = page["next"].clone();
        if from.is_null() {
            return (file, remarks);
        }
        if is_first {
            meanwhile().await;
        }
    }
}

fn wanted(layout: &str, encoding: &str) -> Value {
    json!({ "layout": layout, "encoding": encoding, "lineEnd": "crlf" })
}

/// The doses in a file by address number; every row of it must be sound.
fn read(file: &[u8], world: &World) -> BTreeMap<String, Vec<DoseRow>> {
    let municipality = Some(world.cast.adachi.code);
    let today = day_in_japan(SystemClock.now());
    let mut checker = Checker::open(file, Options { municipality, today }).unwrap();
    let mut found: BTreeMap<String, Vec<DoseRow>> = BTreeMap::new();
    while let Some(row) = checker.next_row().unwrap() {
        let Row::Doses(doses) = row.unwrap() else { panic!("not a file of doses") };
        for dose in doses {
            found.entry(dose.address_number.reveal().to_owned()).or_default().push(dose);
        }
    }
    found
}

fn address(number: u32) -> String {
    format!("TEST{number:08}")
}

type Seen<'a> = (u16, String, &'a str, &'a str);

fn seen(doses: &[DoseRow]) -> Vec<Seen<'_>> {
    let each = |one: &DoseRow| (one.dose_number, one.date.to_string());
    let rows = doses.iter().map(|one| (each(one), one));
    rows.map(|((nth, day), one)| (nth, day, one.maker.as_str(), one.lot.as_str())).collect()
}

fn registered(doses: &[Vaccination]) -> Vec<Seen<'_>> {
    let each = |one: &Vaccination| (one.dose_number, one.date.to_string());
    let rows = doses.iter().map(|one| (each(one), one));
    rows.map(|((nth, day), one)| (nth, day, one.maker.as_str(), one.lot.as_str())).collect()
}

#[test]
fn the_file_of_doses_reads_back_as_what_was_registered() {
    on_both(async |world| {
        let doses: Vec<Vaccination> = (1..=3).map(dose).collect();
        let (one, two) = (fresh_number(), fresh_number());
        world.live_in_adachi(one, &doses).await;
        world.live_in_adachi(two, &doses[..1]).await;
        let door = at_desk(world, &world.cast.adachi.supervisor).await;
        for encoding in ["utf-8", "utf-8-bom", "cp932"] {
            for limit in [3, 1_000] {
                let (file, _) = whole(&door, DOSES, wanted("doses-1", encoding), limit).await;
                assert_eq!(file.starts_with(b"\xEF\xBB\xBF"), encoding == "utf-8-bom");
                let found = read(&file, world);
                assert_eq!(seen(&found[&address(one)]), registered(&doses));
                assert_eq!(seen(&found[&address(two)]), registered(&doses[..1]));
            }
        }
        let (file, remarks) = whole(&door, DOSES, wanted("doses-ledger", "utf-8"), 500).await;
        assert_eq!(seen(&read(&file, world)[&address(one)]), registered(&doses[..2]));
        let has_said = |remark: &Value| remark["reason"] == "not-in-layout";
        assert!(remarks.iter().any(has_said), "the third dose has no column");
    });
}

#[test]
fn no_file_holds_a_number_and_every_page_is_on_record() {
    on_both(async |world| {
        let number = fresh_number();
        world.live_in_adachi(number, &[dose(1)]).await;
        let door = at_desk(world, &world.cast.adachi.supervisor).await;
        let digits = IndividualNumber::for_test(number);
        for (path, layout) in
            [(SUBJECTS, "subjects-export-1"), (DOSES, "doses-1"), (DOSES, "doses-export-1")]
        {
            let (file, _) = whole(&door, path, wanted(layout, "utf-8"), 400).await;
            let text = String::from_utf8(file).unwrap();
            assert!(text.contains(&address(number)));
            assert!(!text.contains(digits.reveal()) && !text.contains("個人番号"));
            let page = json!({
                "layout": layout, "encoding": "cp932", "lineEnd": "lf", "limit": 1
            });
            let page = door.say(path, &page).await.good();
            let supervisor = world.desk(&world.cast.adachi.supervisor).await;
            let line = format!("sha256 {}", page["sha256"].as_str().unwrap());
            let rows = format!("exported {} rows", page["rows"]);
            let log = operations(&supervisor).await;
            let found = log.iter().filter(|entry| entry.result.ends_with(&line));
            let found: Vec<_> = found.collect();
            assert!(found.iter().any(|entry| entry.purpose == layout), "{log:?}");
            assert!(found.iter().all(|entry| entry.result.starts_with(&rows)));
        }
    });
}

pub(super) async fn operations(
    desk: &watari::story::desk::Desk,
) -> Vec<wire::partition::OperationEntry> {
    let (mut entries, mut from) = (Vec::new(), 0_u64);
    loop {
        let page = json!({ "from": from, "limit": 1_000 });
        let page: OperationLog = desk.room(OPERATION_LOG_LIST, &page).await.unwrap();
        let count = page.entries.len();
        from += u64::try_from(count).unwrap();
        entries.extend(page.entries.into_iter().map(|one| one.entry));
        // Reading is on record too, so an empty page never comes.
        if count < 1_000 {
            return entries;
        }
    }
}

#[test]
fn what_a_spreadsheet_would_run_is_defused_and_what_cp932_lacks_is_left_out() {
    on_both(async |world| {
        let clerk = at_desk(world, &world.cast.adachi.clerk).await;
        let mut people = Vec::new();
        for name in ["=HYPERLINK(\"a\",\"b\")", "𠮷野 太郎"] {
            let number = fresh_number();
            let person = json!({
                "individualNumber": IndividualNumber::for_test(number).reveal(),
                "addressNumber": address(number), "name": name, "nameKana": "シケン",
                "birthDate": "1980-01-02", "sex": "male",
            });
            let registered = clerk.say(wire::partition::SUBJECTS, &person).await.good();
            people.push((number, registered["subject"].clone()));
        }
        let door = at_desk(world, &world.cast.adachi.supervisor).await;
        let file = whole(&door, SUBJECTS, wanted("subjects-export-1", "utf-8"), 1_000).await;
        let text = String::from_utf8(file.0).unwrap();
        assert!(text.contains("\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\""), "{text}");
        assert!(!text.lines().flat_map(|line| line.split(',')).any(|cell| cell.starts_with('=')));
        assert!(text.contains("𠮷野 太郎"));
        let remark = |subject: &Value, reason: &str, written: bool| json!({ "subject": subject, "column": "氏名", "reason": reason, "written": written });
        assert!(file.1.contains(&remark(&people[0].1, "neutralised", true)), "{:?}", file.1);
        let (file, remarks) =
            whole(&door, SUBJECTS, wanted("subjects-export-1", "cp932"), 1_000).await;
        assert!(remarks.contains(&remark(&people[1].1, "unmappable", false)), "{remarks:?}");
        let left_out = address(people[1].0);
        assert!(!file.windows(left_out.len()).any(|some| some == left_out.as_bytes()));
    });
}

#[test]
fn what_was_withdrawn_or_stopped_is_not_in_the_file() {
    on_both(async |world| {
        let (withdrawn, stopped) = (fresh_number(), fresh_number());
        let one = world.live_in_adachi(withdrawn, &[dose(1), dose(2)]).await;
        let two = world.live_in_adachi(stopped, &[dose(1)]).await;
        let door = at_desk(world, &world.cast.adachi.supervisor).await;
        let (etag, id) = newest(&door, one, 0).await;
        let body = json!({ "subject": one, "vaccination": id, "reason": "別人の記録" });
        door.change(VACCINATIONS_WITHDRAW, &etag, &body).await.good();
        stop(&door, two).await;
        let (file, _) = whole(&door, DOSES, wanted("doses-1", "utf-8"), 1_000).await;
        let found = read(&file, world);
        assert_eq!(seen(&found[&address(withdrawn)]), registered(&[dose(2)]));
        assert!(!found.contains_key(&address(stopped)));
        let people = whole(&door, SUBJECTS, wanted("subjects-export-1", "utf-8"), 1_000).await;
        let text = String::from_utf8(people.0).unwrap();
        let row = text.lines().find(|line| line.starts_with(&address(stopped))).unwrap();
        assert!(row.ends_with(",0,1"), "{row}");
    });
}

/// The entity tag and the handle of a person's dose.
pub(super) async fn newest(door: &Door, subject: Uuid, place: usize) -> (String, Value) {
    let found = door.say(wire::records::RECORDS_FIND, &json!({ "subject": subject })).await.good();
    let dose = &found["doses"][place];
    (dose["etag"].as_str().unwrap().to_owned(), dose["vaccination"].clone())
}

/// 利用停止.
async fn stop(door: &Door, subject: Uuid) {
    let found = door.say(wire::records::RECORDS_FIND, &json!({ "subject": subject })).await.good();
    let etag = found["subject"]["etag"].as_str().unwrap();
    let body = json!({ "subject": subject, "stopped": true, "reason": "本人の請求" });
    door.change(wire::records::SUBJECTS_FLAG, etag, &body).await.good();
}

fn now_unix_ms() -> i64 {
    SystemClock.now().unix_timestamp() * 1_000
}

#[test]
fn all_pages_tell_of_the_moment_of_the_first() {
    alone_on_both(async |world| {
        let doses: Vec<Vaccination> = (1..=2).map(dose).collect();
        let mut people = Vec::new();
        for _ in 0..6 {
            let number = fresh_number();
            people.push((number, world.live_in_adachi(number, &doses).await));
        }
        let door = at_desk(&world, &world.cast.adachi.supervisor).await;
        for (path, layout) in [(DOSES, "doses-export-1"), (SUBJECTS, "subjects-export-1")] {
            let ours = |file: Vec<u8>| {
                let text = String::from_utf8(file).unwrap();
                let is_ours = |line: &&str| people.iter().any(|(n, _)| line.contains(&address(*n)));
                text.lines().filter(is_ours).map(str::to_owned).collect::<Vec<_>>()
            };
            let form = wanted(layout, "utf-8");
            let before = ours(whole(&door, path, form.clone(), 1_000).await.0);
            // Somebody new among them, and a change of everybody, whoever comes first.
            let newcomer = fresh_number();
            let change = async || {
                world.live_in_adachi(newcomer, &doses).await;
                for (_, subject) in &people {
                    change_person(&door, *subject).await;
                }
            };
            let (file, _) = whole_while(&door, path, (form.clone(), 1), change).await;
            assert!(!String::from_utf8(file.clone()).unwrap().contains(&address(newcomer)));
            assert_eq!(ours(file), before, "{layout}");
            let (file, _) = whole(&door, path, form, 1_000).await;
            assert!(String::from_utf8(file.clone()).unwrap().contains(&address(newcomer)));
            assert_ne!(ours(file), before, "{layout}");
        }
        world.house.stop().await;
    });
}

/// Corrects a person's first dose, takes the second back, and says when the person moved out.
async fn change_person(door: &Door, subject: Uuid) {
    let (etag, id) = newest(door, subject, 0).await;
    let mut right = dose(1);
    right.lot = format!("R-{}", fresh_number());
    let body =
        json!({ "subject": subject, "vaccination": id, "dose": right, "reason": "読み違い" });
    door.change(wire::records::VACCINATIONS_CORRECT, &etag, &body).await.good();
    let found = door.say(wire::records::RECORDS_FIND, &json!({ "subject": subject })).await.good();
    if found["doses"][1]["standing"] == "inForce" {
        let (etag, id) = newest(door, subject, 1).await;
        let body = json!({ "subject": subject, "vaccination": id, "reason": "別人の記録" });
        door.change(VACCINATIONS_WITHDRAW, &etag, &body).await.good();
    }
    let etag = found["subject"]["etag"].as_str().unwrap();
    let day = format!("2026-04-{:02}", fresh_number() % 28 + 1);
    let body = json!({ "subject": subject, "movedOutOn": day, "reason": "転出届" });
    door.change(wire::records::SUBJECTS_FLAG, etag, &body).await.good();
}

#[test]
fn a_file_that_was_begun_too_long_ago_is_begun_anew() {
    on_both(async |world| {
        let door = ledger(world, &world.cast.uruma);
        let from = json!({
            "after": Uuid::nil(), "atUnixMs": now_unix_ms() - 3_700_000, "operations": 1,
        });
        let mut page = wanted("doses-1", "utf-8");
        (page["limit"], page["from"]) = (json!(10), from);
        let refused = door.say(DOSES, &page).await.refusal();
        assert_eq!(refused, (409, "export-outdated".to_owned()));
    });
}

#[test]
fn only_supervisor_and_ledger_export_and_only_their_own_room() {
    on_both(async |world| {
        let number = fresh_number();
        world.live_in_adachi(number, &[dose(1)]).await;
        let page = json!({
            "layout": "doses-1", "encoding": "utf-8", "lineEnd": "lf", "limit": 10
        });
        let clerk = at_desk(world, &world.cast.adachi.clerk).await;
        assert_eq!(clerk.say(DOSES, &page).await.refusal(), (403, "denied".to_owned()));
        let own = ledger(world, &world.cast.adachi);
        let (file, _) = whole(&own, DOSES, wanted("doses-1", "utf-8"), 1_000).await;
        assert!(read(&file, world).contains_key(&address(number)));
        let other = ledger(world, &world.cast.uruma);
        let (file, _) = whole(&other, DOSES, wanted("doses-1", "utf-8"), 1_000).await;
        assert!(!read(&file, world).contains_key(&address(number)));
    });
}

#[test]
fn a_page_that_nobody_can_mean_is_refused_by_its_field() {
    on_both(async |world| {
        let now = now_unix_ms();
        let door = ledger(world, &world.cast.adachi);
        let page = json!({
            "layout": "doses-1", "encoding": "utf-8", "lineEnd": "lf", "limit": 10
        });
        for (field, value) in [
            ("layout", json!("subjects-1")),
            ("layout", json!("subjects-export-1")),
            ("limit", json!(0)),
            ("limit", json!(1_001)),
            ("from", json!("x")),
            ("from", json!({ "after": Uuid::max(), "atUnixMs": now, "operations": u64::MAX })),
            ("encoding", json!("euc-jp")),
        ] {
            let mut page = page.clone();
            page[field] = value;
            let heard = door.say(DOSES, &page).await;
            assert_eq!(heard.refusal(), (400, "malformed".to_owned()), "{field}");
            assert_eq!(heard.json()["field"], json!(field));
        }
    });
}

#[test]
fn after_the_last_page_comes_nothing() {
    on_both(async |world| {
        let door = ledger(world, &world.cast.uruma);
        let page = json!({
            "layout": "doses-1", "encoding": "utf-8", "lineEnd": "lf", "limit": 10,
            "from": { "after": Uuid::max(), "atUnixMs": now_unix_ms(), "operations": 1 },
        });
        let page = door.say(DOSES, &page).await.good();
        assert_eq!((&page["content"], &page["rows"]), (&json!(""), &json!(0)));
        assert!(page.get("next").is_none());
    });
}
