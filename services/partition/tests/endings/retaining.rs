//! What has been kept for long enough is proposed by a job and erased by two persons.

use domain::Role;
use domain::vaccination::Vaccination;
use serde_json::json;
use uuid::Uuid;
use wire::erasure::{ERASURES_HOLDS, ErasureHold, ErasureState};

use crate::erasing::{approve, dump, hex, read, second_dose, supervisors};
use crate::world::{ADACHI, dose, on_both_with, refusal, rounds, until};

const EIGHT_YEARS_S: i64 = 8 * 366 * 86_400;

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
