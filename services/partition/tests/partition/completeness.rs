//! What a municipality says of how complete its records are goes with what it provides.

use domain::Role;
use time::macros::date;
use wire::partition::{AskAnswer, AskOutcome};
use wire::records::{
    ADOPTIONS, AdoptDoses, Adoption, AllDoses, COMPLETENESS, COMPLETENESS_READ, ChosenDoses,
    Period, ReadCompleteness, StateCompleteness, Statement, Statements,
};

use crate::world::{ADACHI, KORIYAMA, World, on_both, question, refusal};

const PERIOD: Period = Period { from: date!(2021 - 02 - 17), up_to: date!(2024 - 03 - 31) };

async fn state(world: &World, period: Option<Period>) -> Statement {
    let desk = world.desk(ADACHI, Role::Supervisor);
    desk.post(COMPLETENESS, &StateCompleteness { period }).await.unwrap()
}

async fn adopt(world: &World, answer: &AskAnswer) -> Adoption {
    let doses = ChosenDoses::All(AllDoses::All);
    let request = AdoptDoses { inquiry: answer.inquiry, doses };
    world.desk(KORIYAMA, Role::Clerk).post(ADOPTIONS, &request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_reaches_the_asker_and_is_shown_with_the_adoption() {
    on_both(async |world| {
        world.mover(1).await;
        let silent = world.ask(&question(1)).await.unwrap();
        assert_eq!(silent.completeness, None);
        let missing = adopt(&world, &silent).await.missing;
        assert_eq!((missing.stated, missing.missing_before), (None, None));
        assert!(missing.note.contains("述べていません"), "{}", missing.note);
        state(&world, Some(PERIOD)).await;
        let answer = world.ask(&question(1)).await.unwrap();
        let stated = answer.completeness.unwrap();
        assert_eq!((stated.from, stated.up_to), (PERIOD.from, PERIOD.up_to));
        assert_eq!(answer.vaccinations, silent.vaccinations);
        let missing = adopt(&world, &answer).await.missing;
        assert_eq!(missing.stated, Some(stated));
        assert_eq!(missing.missing_before, Some(PERIOD.from));
        assert_eq!(missing.missing_after, Some(PERIOD.up_to));
        assert!(missing.note.contains("2021-02-17より前"), "{}", missing.note);
        // The earlier answer stays what it was.
        assert_eq!(adopt(&world, &silent).await.missing.stated, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_carries_no_statement() {
    on_both(async |world| {
        state(&world, Some(PERIOD)).await;
        world.desk(KORIYAMA, Role::Clerk).register(1).await;
        let answer = world.ask(&question(1)).await.unwrap();
        assert_eq!((answer.outcome, answer.completeness), (AskOutcome::Nothing, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_taken_back_and_the_earlier_ones_stay() {
    on_both(async |world| {
        world.mover(1).await;
        let first = state(&world, Some(PERIOD)).await;
        let second = state(&world, None).await;
        assert_eq!((first.version, second.version), (1, 2));
        assert_eq!(world.ask(&question(1)).await.unwrap().completeness, None);
        let clerk = world.desk(ADACHI, Role::Clerk);
        let told: Statements = clerk.post(COMPLETENESS_READ, &ReadCompleteness {}).await.unwrap();
        assert_eq!(told.statements, [second, first]);
        let elsewhere = world.desk(KORIYAMA, Role::Clerk);
        let told: Statements =
            elsewhere.post(COMPLETENESS_READ, &ReadCompleteness {}).await.unwrap();
        assert!(told.statements.is_empty());
        assert_eq!(world.acts(ADACHI, "StateCompleteness").await, ["stated", "taken back"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_supervisor_states_and_only_about_the_past() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let request = StateCompleteness { period: Some(PERIOD) };
        let refused = clerk.post::<Statement>(COMPLETENESS, &request).await;
        assert_eq!(refusal(refused), (403, "denied".to_owned()));
        let supervisor = world.desk(ADACHI, Role::Supervisor);
        for period in [
            Period { up_to: date!(9999 - 12 - 31), ..PERIOD },
            Period { from: PERIOD.up_to, up_to: PERIOD.from },
        ] {
            let request = StateCompleteness { period: Some(period) };
            let refused = supervisor.post::<Statement>(COMPLETENESS, &request).await;
            assert_eq!(refusal(refused), (400, "malformed".to_owned()));
        }
        let empty = supervisor.post::<Statement>(COMPLETENESS, &serde_json::json!({})).await;
        assert_eq!(refusal(empty), (400, "malformed".to_owned()));
        assert!(world.count("completeness").await == 0);
    })
    .await;
}
