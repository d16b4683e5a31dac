//! Two persons erase exactly what was shown, nothing else, and never because a clock says so.

use std::collections::{BTreeMap, BTreeSet};

use diesel::RunQueryDsl as _;
use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use domain::Role;
use domain::vaccination::Vaccination;
use serde_json::{Value, json};

use uuid::Uuid;
use wire::CallError;
use wire::erasure::{
    ERASURES, ERASURES_APPROVE, ERASURES_HOLDS, ERASURES_HOLDS_LIFT, ERASURES_READ, Erasure,
    ErasureHold, ErasureState, Erasures,
};
use wire::partition as api;

use crate::retaining::put_doubtful;
use crate::world::{ADACHI, Desk, KORIYAMA, World, dose, on_both, question, refusal};

/// Every row of every table as one text.
pub(crate) type Dump = BTreeMap<String, BTreeSet<String>>;

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

async fn lines(world: &World, sql: String) -> Vec<String> {
    let rows = world.test.as_owner(move |tx| diesel::sql_query(sql).load::<Line>(tx)).await;
    rows.into_iter().map(|row| row.text).collect()
}

pub(crate) async fn dump(world: &World) -> Dump {
    let is_sqlite = world.test.is_sqlite();
    let tables = if is_sqlite {
        "SELECT name AS text FROM sqlite_master WHERE type = 'table'"
    } else {
        "SELECT tablename::text AS text FROM pg_tables WHERE schemaname = 'public'"
    };
    let mut dump = Dump::new();
    for table in lines(world, tables.to_owned()).await {
        let sql = if is_sqlite {
            let columns = format!("SELECT name AS text FROM pragma_table_info('{table}')");
            let columns = lines(world, columns).await;
            let columns: Vec<String> =
                columns.iter().map(|name| format!("quote({name})")).collect();
            format!("SELECT lower({}) AS text FROM {table}", columns.join(" || ',' || "))
        } else {
            format!("SELECT t::text AS text FROM {table} t")
        };
        dump.insert(table, lines(world, sql).await.into_iter().collect());
    }
    dump
}

/// What an erasure itself writes, or a job meanwhile.
const OWN: [&str; 8] = [
    "reconciliation",
    "one_sided",
    "erasure",
    "erasure_record",
    "operation_log",
    "operation_tile",
    "operation_checkpoint",
    "witness_state",
];

pub(crate) fn persons(subjects: &[Uuid]) -> Value {
    json!({
        "erasure": Uuid::new_v4(),
        "scope": { "kind": "persons", "subjects": subjects },
        "reason": "requested",
    })
}

pub(crate) fn supervisors(world: &World) -> [Desk; 2] {
    ["boss-1", "boss-2"].map(|name| world.desk_of(ADACHI, Role::Supervisor, name))
}

pub(crate) async fn erase(world: &World, proposal: &Value) -> Erasure {
    let [first, second] = supervisors(world);
    let shown: Erasure = first.post(ERASURES, proposal).await.unwrap();
    approve(&second, &shown).await.unwrap()
}

pub(crate) async fn approve(desk: &Desk, shown: &Erasure) -> Result<Erasure, CallError> {
    let body = json!({ "erasure": shown.erasure, "digest": shown.digest });
    desk.post(ERASURES_APPROVE, &body).await
}

pub(crate) async fn read(world: &World) -> Erasures {
    let [first, _] = supervisors(world);
    first.post(ERASURES_READ, &json!({})).await.unwrap()
}

pub(crate) fn second_dose() -> Vaccination {
    Vaccination { dose_number: 2, ..dose() }
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A room with persons who have doses, later versions, and were asked about.
async fn fill(world: &World, dice: &mut Dice) -> Vec<Uuid> {
    let (clerk, [boss, _]) = (world.desk(ADACHI, Role::Clerk), supervisors(world));
    let base = u32::try_from(dice.roll(1_000_000)).unwrap() * 10;
    let mut subjects = Vec::new();
    for number in base..base + 5 {
        let subject = clerk.register(number).await;
        for vaccination in
            [dose(), second_dose()].into_iter().take(usize::try_from(dice.roll(3)).unwrap())
        {
            clerk.vaccinate(subject, vaccination).await;
        }
        if dice.roll(2) == 0 {
            boss.withhold(subject).await;
        }
        if dice.roll(2) == 0 {
            world.desk(KORIYAMA, Role::Clerk).register(number).await;
            world.ask(&question(number)).await.unwrap();
        }
        subjects.push(subject);
    }
    subjects
}

pub(crate) fn hex(id: &Uuid) -> String {
    id.simple().to_string()
}

/// Puts the same rows with the same handles into the other room: only the municipality tells them
/// apart, so a statement that forgets it takes them along.
async fn give_the_neighbour_the_same(world: &World) {
    for table in ["subject", "subject_number", "vaccination", "held_inquiry"] {
        let columns = match world.test.is_sqlite() {
            true => format!("SELECT name AS text FROM pragma_table_info('{table}')"),
            false => format!(
                "SELECT column_name::text AS text FROM information_schema.columns \
                 WHERE table_name = '{table}' ORDER BY ordinal_position"
            ),
        };
        let columns = lines(world, columns).await;
        let others: Vec<&str> =
            columns.iter().map(String::as_str).filter(|name| *name != "municipality").collect();
        let others = others.join(", ");
        let sql = format!(
            "INSERT INTO {table} (municipality, {others}) SELECT '{KORIYAMA}', {others} \
             FROM {table} WHERE municipality = '{ADACHI}' ON CONFLICT DO NOTHING"
        );
        world.test.as_owner(move |tx| tx.batch_execute(&sql)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_the_shown_rows_go_and_every_other_row_stays_byte_for_byte() {
    on_both(async |world| {
        for seed in 1..4 {
            let mut dice = Dice(seed);
            let subjects = fill(&world, &mut dice).await;
            give_the_neighbour_the_same(&world).await;
            let some = 1 + usize::try_from(dice.roll(4)).unwrap();
            let gone = &subjects[..some];
            let before = dump(&world).await;
            let erased = erase(&world, &persons(gone)).await;
            assert_eq!(erased.state, ErasureState::Erased);
            let after = dump(&world).await;
            let is_adachis = |row: &str| {
                row.get(1..).is_some_and(|row| row.trim_start_matches('\'').starts_with(ADACHI))
            };
            let is_gone =
                |row: &str| is_adachis(row) && gone.iter().any(|id| row.contains(&hex(id)));
            assert!(before["subject"].iter().any(|row| is_gone(row)));
            for (table, rows) in &before {
                if OWN.contains(&table.as_str()) {
                    continue;
                }
                // Whoever is erased stands nowhere but where the law keeps it.
                let stays = ["provision", "notice_out"].contains(&table.as_str());
                let want: BTreeSet<String> =
                    rows.iter().filter(|row| stays || !is_gone(row)).cloned().collect();
                assert_eq!(after[table], want, "{table}");
                let shown = erased.tables.iter().find(|shown| shown.table == *table);
                let went = rows.len() - want.len();
                assert_eq!(shown.map_or(0, |shown| shown.rows), went, "{table}");
            }
        }
        let records = dump(&world).await["erasure_record"].len();
        assert_eq!(records, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dose_goes_with_all_its_versions_and_the_person_stays() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let subject = clerk.register(1).await;
        clerk.vaccinate(subject, dose()).await;
        let second = api::RegisterVaccination { subject, vaccination: second_dose() };
        let second: api::VaccinationRegistered =
            clerk.post(api::VACCINATIONS, &second).await.unwrap();
        let handle = json!({ "subject": subject, "vaccination": second.vaccination });
        let proposal = json!({
            "erasure": Uuid::new_v4(), "reason": "registeredUnlawfully",
            "scope": { "kind": "doses", "doses": [handle] },
        });
        let erased = erase(&world, &proposal).await;
        assert_eq!((erased.doses, erased.tables.len(), erased.tables[0].rows), (1, 1, 1));
        let after = dump(&world).await;
        assert_eq!((after["vaccination"].len(), after["subject"].len()), (1, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_answer_goes_and_that_it_was_asked_for_stays() {
    on_both(async |world| {
        world.mover(1).await;
        let asked = question(1);
        world.ask(&asked).await.unwrap();
        let [first, second] =
            ["boss-1", "boss-2"].map(|name| world.desk_of(KORIYAMA, Role::Supervisor, name));
        let line = world.lines(KORIYAMA).await.into_iter().find_map(|line| line.subject);
        let shown: Erasure = first.post(ERASURES, &persons(&[line.unwrap()])).await.unwrap();
        assert!(shown.tables.iter().any(|table| table.table == "inquiry" && table.rows == 1));
        approve(&second, &shown).await.unwrap();
        let kept = "SELECT state AS text FROM inquiry WHERE answer_sealed IS NULL \
                    AND receipt_sealed IS NOT NULL";
        assert_eq!(world.text(kept).await, "expired");
        // The other room keeps what it provided, as the law says.
        assert_eq!(world.count("provision").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubtful_row_goes_with_the_person_whose_record_it_became() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let [gone, kept] = [clerk.register(1).await, clerk.register(2).await];
        for person in [gone, kept] {
            put_doubtful(&world, ("decided", 1), Some(person)).await;
        }
        let erased = erase(&world, &persons(&[gone])).await;
        assert!(erased.tables.iter().any(|one| one.table == "quarantine" && one.rows == 1));
        let left = &dump(&world).await["quarantine"];
        assert!(left.len() == 1 && left.iter().all(|row| row.contains(&hex(&kept))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_record_is_bound_into_the_operation_log_and_names_nobody() {
    on_both(async |world| {
        let subject = world.desk(ADACHI, Role::Clerk).register(1).await;
        let erased = erase(&world, &persons(&[subject])).await;
        let sql = if world.test.is_sqlite() {
            "SELECT CAST(body AS TEXT) AS text FROM erasure_record"
        } else {
            "SELECT convert_from(body, 'UTF8') AS text FROM erasure_record"
        };
        let record = world.text(sql).await;
        let said: Value = serde_json::from_str(&record).unwrap();
        assert_eq!(said["digest"], erased.digest);
        assert_eq!(
            (&said["firstPerson"], &said["secondPerson"]),
            (&json!("boss-1"), &json!("boss-2"))
        );
        assert!(!record.contains(&subject.to_string()));
        let digest: String =
            crypto::sha256(record.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let line = world.lines(ADACHI).await.into_iter().find(|l| l.act == "ApproveErasure");
        assert_eq!(line.unwrap().purpose, format!("record sha256:{digest}"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_alone_erases_nothing_and_a_clerk_not_even_with_another() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let subject = clerk.register(1).await;
        let [first, second] = supervisors(&world);
        let denied = (403, "denied".to_owned());
        assert_eq!(refusal(clerk.post::<Erasure>(ERASURES, &persons(&[subject])).await), denied);
        let shown: Erasure = first.post(ERASURES, &persons(&[subject])).await.unwrap();
        assert_eq!(refusal(approve(&clerk, &shown).await), denied);
        let same = (403, "same-person".to_owned());
        assert_eq!(refusal(approve(&first, &shown).await), same);
        // The neighbour's supervisor has a room of her own, in which there is no such proposal.
        let neighbour = world.desk_of(KORIYAMA, Role::Supervisor, "boss-3");
        assert_eq!(refusal(approve(&neighbour, &shown).await), (404, "not-found".to_owned()));
        let other = Erasure { digest: "00".repeat(32), ..shown.clone() };
        assert_eq!(refusal(approve(&second, &other).await), (409, "erasure-changed".to_owned()));
        assert_eq!(world.count("subject").await, 1);

        let erased = approve(&second, &shown).await.unwrap();
        assert_eq!(approve(&second, &shown).await.unwrap(), erased, "a retry");
        assert_eq!(refusal(approve(&first, &shown).await), (409, "erasure-ended".to_owned()));
        assert_eq!(world.count("subject").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_since_it_was_shown_is_not_erased() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let subject = clerk.register(1).await;
        let [first, second] = supervisors(&world);
        let proposal = persons(&[subject]);
        let shown: Erasure = first.post(ERASURES, &proposal).await.unwrap();
        assert_eq!(first.post::<Erasure>(ERASURES, &proposal).await.unwrap(), shown);
        clerk.vaccinate(subject, dose()).await;
        let before = dump(&world).await;
        assert_eq!(refusal(approve(&second, &shown).await), (409, "erasure-changed".to_owned()));
        let after = dump(&world).await;
        assert_eq!(
            (&after["subject"], &after["vaccination"]),
            (&before["subject"], &before["vaccination"])
        );
        assert_eq!(read(&world).await.erasures[0].state, ErasureState::Void);
        let again = erase(&world, &persons(&[subject])).await;
        assert_eq!(again.tables.iter().filter(|table| table.table == "vaccination").count(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_not_erased_before_the_hold_is_lifted() {
    on_both(async |world| {
        let subject = world.desk(ADACHI, Role::Clerk).register(1).await;
        let [first, second] = supervisors(&world);
        let shown: Erasure = first.post(ERASURES, &persons(&[subject])).await.unwrap();
        let hold = json!({ "hold": Uuid::new_v4(), "subject": subject, "reason": "lawsuit" });
        let held = (409, "erasure-held".to_owned());
        for hold in
            [hold, json!({ "hold": Uuid::new_v4(), "class": "vaccination", "reason": "audit" })]
        {
            first.post::<ErasureHold>(ERASURES_HOLDS, &hold).await.unwrap();
            assert_eq!(read(&world).await.holds.len(), 1);
            assert_eq!(refusal(approve(&second, &shown).await), held);
            let proposed = first.post::<Erasure>(ERASURES, &persons(&[subject])).await;
            assert_eq!(refusal(proposed), held);
            let lift = json!({ "hold": hold["hold"] });
            first.post::<ErasureHold>(ERASURES_HOLDS_LIFT, &lift).await.unwrap();
        }
        assert_eq!(world.count("subject").await, 1);
        approve(&second, &shown).await.unwrap();
        assert_eq!(world.count("subject").await, 0);
    })
    .await;
}
