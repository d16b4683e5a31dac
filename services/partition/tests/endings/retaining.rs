//! What has been kept for long enough is proposed by a job and erased by two persons.

use diesel::connection::SimpleConnection as _;
use domain::vaccination::Vaccination;
use domain::{Clock as _, Role};
use serde_json::json;
use uuid::Uuid;
use wire::erasure::{ERASURES_HOLDS, ErasureHold, ErasureState};

use crate::erasing::{approve, dump, hex, read, second_dose, supervisors};
use crate::world::{ADACHI, World, dose, on_both_with, refusal, rounds, until};

const EIGHT_YEARS_S: i64 = 8 * 366 * 86_400;

/// A doubtful row of no content, with the moment at which somebody decided on it.
pub(crate) async fn put_doubtful(
    world: &World,
    (state, decided_at_unix_ms): (&str, i64),
    taken_for: Option<Uuid>,
) -> Uuid {
    let is_sqlite = world.test.is_sqlite();
    let bytes = |id: &Uuid| match is_sqlite {
        true => format!("X'{}'", hex(id)),
        false => format!("'\\x{}'::bytea", hex(id)),
    };
    let row = Uuid::new_v4();
    let (id, taken_for) = (bytes(&row), taken_for.as_ref().map_or("NULL".to_owned(), bytes));
    let sql = format!(
        "INSERT INTO quarantine (municipality, id, origin, origin_id, line, row_index, kind, state, \
         version, sealed, created_at_unix_ms, decided_at_unix_ms, taken_for) VALUES ('{ADACHI}', \
         {id}, 'import', {id}, 1, {id}, 'likePerson', '{state}', 2, {id}, 1, {decided_at_unix_ms}, \
         {taken_for})"
    );
    world.test.as_owner(move |tx| tx.batch_execute(&sql)).await;
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_years_at_once_erase_nothing() {
    on_both_with("ending = { retention_every_s = 1 }\n", async |mut world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let subject = clerk.register(1).await;
        clerk.vaccinate(subject, dose()).await;
        rounds().await;
        assert_eq!(world.count("erasure").await, 0, "nothing is due yet");
        let before = dump(&world).await["vaccination"].clone();
        world.pass(EIGHT_YEARS_S).await;
        until("proposed", async || world.count("erasure").await == 1).await;
        rounds().await;
        assert_eq!(world.count("erasure").await, 1, "proposed once");
        assert_eq!(dump(&world).await["vaccination"], before);

        // The clock was wrong: what was proposed is refused when it is right again.
        world.stop().await;
        world.pass(-EIGHT_YEARS_S).await;
        world.start().await;
        let [first, _] = supervisors(&world);
        let [shown] = read(&world).await.erasures.try_into().unwrap();
        assert_eq!((shown.proposed_by.as_str(), shown.doses), ("retention", 1));
        assert_eq!(refusal(approve(&first, &shown).await), (409, "erasure-changed".to_owned()));
        assert_eq!(dump(&world).await["vaccination"], before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_job_proposes_two_persons_decide() {
    on_both_with("ending = { retention_every_s = 1 }\n", async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let old = Vaccination { date: time::macros::date!(2020 - 02 - 29), ..dose() };
        let [subject, held] = [clerk.register(1).await, clerk.register(2).await];
        let [first, second] = supervisors(&world);
        let hold = json!({ "hold": Uuid::new_v4(), "subject": held, "reason": "lawsuit" });
        first.post::<ErasureHold>(ERASURES_HOLDS, &hold).await.unwrap();
        for person in [held, subject] {
            clerk.vaccinate(person, old.clone()).await;
            clerk.vaccinate(person, second_dose()).await;
        }
        until("proposed", async || world.count("erasure").await == 1).await;
        let before = dump(&world).await["vaccination"].clone();
        let [shown] = read(&world).await.erasures.try_into().unwrap();
        assert_eq!((shown.doses, shown.persons), (1, 1));
        for _ in 0..2 {
            let confirmed = approve(&first, &shown).await.unwrap();
            assert_eq!(confirmed.state, ErasureState::Confirmed);
        }
        assert_eq!(dump(&world).await["vaccination"], before);
        assert_eq!(approve(&second, &shown).await.unwrap().state, ErasureState::Erased);
        let after = &dump(&world).await["vaccination"];
        let went: Vec<&String> = before.difference(after).collect();
        assert_eq!((went.len(), after.len()), (1, 3));
        assert!(went.iter().all(|row| row.contains(&hex(&subject))), "the held one stays");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_on_one_person_keeps_nobody_else_from_being_proposed() {
    on_both_with("ending = { retention_every_s = 1 }\n", async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let old = Vaccination { date: time::macros::date!(2020 - 02 - 29), ..dose() };
        let [held, free] = [clerk.register(1).await, clerk.register(2).await];
        for person in [held, free] {
            clerk.vaccinate(person, old.clone()).await;
        }
        let is_proposed = async |doses: usize| {
            let open = |one: &wire::erasure::Erasure| one.state == ErasureState::Proposed;
            read(&world).await.erasures.iter().any(|one| open(one) && one.doses == doses)
        };
        until("both are proposed", async || is_proposed(2).await).await;
        let [first, second] = supervisors(&world);
        let hold = json!({ "hold": Uuid::new_v4(), "subject": held, "reason": "lawsuit" });
        first.post::<ErasureHold>(ERASURES_HOLDS, &hold).await.unwrap();
        until("the other one alone", async || is_proposed(1).await).await;
        let known = read(&world).await.erasures;
        let shown = known.iter().find(|one| one.doses == 1).unwrap();
        approve(&first, shown).await.unwrap();
        assert_eq!(approve(&second, shown).await.unwrap().state, ErasureState::Erased);
        let left = &dump(&world).await["vaccination"];
        assert!(left.len() == 1 && left.iter().all(|row| row.contains(&hex(&held))));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doubtful_rows_end_too_long_after_somebody_decided_on_them() {
    on_both_with("ending = { retention_every_s = 1 }\n", async |world| {
        let now = world.clock.now().unix_timestamp() * 1_000;
        let years = |years: i64| now - years * 366 * 86_400_000;
        let old = put_doubtful(&world, ("decided", years(6)), None).await;
        for row in [("decided", years(4)), ("open", years(6))] {
            put_doubtful(&world, row, None).await;
        }
        let held = world.desk(ADACHI, Role::Clerk).register(1).await;
        let [first, second] = supervisors(&world);
        let hold = json!({ "hold": Uuid::new_v4(), "subject": held, "reason": "lawsuit" });
        first.post::<ErasureHold>(ERASURES_HOLDS, &hold).await.unwrap();
        put_doubtful(&world, ("decided", years(7)), Some(held)).await;
        let rows = async || {
            let of_doubts = |one: wire::erasure::Erasure| one.tables.into_iter().next();
            let proposed = read(&world).await.erasures.into_iter().filter_map(of_doubts);
            proposed.map(|table| (table.table, table.rows)).collect::<Vec<_>>()
        };
        until("proposed", async || rows().await == [("quarantine".to_owned(), 1)]).await;
        let before = dump(&world).await["quarantine"].clone();
        let [shown] = read(&world).await.erasures.try_into().unwrap();
        approve(&first, &shown).await.unwrap();
        assert_eq!(dump(&world).await["quarantine"], before, "one person erases nothing");
        assert_eq!(approve(&second, &shown).await.unwrap().state, ErasureState::Erased);
        let after = &dump(&world).await["quarantine"];
        let went: Vec<&String> = before.difference(after).collect();
        assert!(went.len() == 1 && went[0].contains(&hex(&old)), "{went:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nobodys_record_goes_by_itself_when_it_is_spent() {
    on_both_with("ending = { retention_every_s = 1 }\n", async |world| {
        let now = world.clock.now().unix_timestamp() * 1_000;
        for (name, days) in [("old", 401), ("new", 399)] {
            let done_at = now - days * 86_400_000;
            let sql = format!(
                "INSERT INTO capture_done (municipality, device, id, result, done_at_unix_ms) \
                 VALUES ('{ADACHI}', '{name}', '0123456789abcdef', 'registered', {done_at})"
            );
            world.test.as_owner(move |tx| tx.batch_execute(&sql)).await;
        }
        until("gone", async || world.count("capture_done").await == 1).await;
        assert_eq!(world.text("SELECT device AS text FROM capture_done").await, "new");
        let said = world.lines(ADACHI).await.into_iter().map(|line| line.result);
        assert_eq!(said.filter(|said| said == "spent: 1 rows deleted").count(), 1);
    })
    .await;
}
