//! The check for misuse from end to end (C106, C107): found, signed, held, released, reported.

use crypto::{Purpose, Signature};
use domain::Clock as _;
use domain::Role;
use domain::law::day_in_japan;
use serde_json::{Value, json};
use wire::CallError;
use wire::partition::{
    self as api, AskOutcome, Inspection, InspectionReport, OperatorSummary, SignedInspection,
};

use crate::world::{Desk, KORIYAMA, World, on_both, on_both_with, question, refusal, until};

/// Three inquiries within ten minutes are stopped; nothing else is looked for.
const BURST: &str = "
[review.rules]
burst = { mode = 'hold', least = 3, minutes = 10 }
odd_hours = { mode = 'off', from_hour = 0, to_hour = 24, days_off = [] }
";

async fn inspect(desk: &Desk) -> Result<SignedInspection, CallError> {
    desk.post(api::INSPECTIONS, &json!({})).await
}

/// The inspection, if the room's published key signed it.
fn open(world: &World, signed: &SignedInspection) -> Inspection {
    let signature = Signature::try_from(signed.signature.0.as_slice()).unwrap();
    let key = world.registry.signing_key(KORIYAMA);
    key.verify(Purpose::Inspection, signed.inspection.as_bytes(), &signature).unwrap();
    serde_json::from_str(&signed.inspection).unwrap()
}

async fn release(desk: &Desk, operator: &str) -> Result<Value, CallError> {
    desk.post(api::OPERATORS_RELEASE, &json!({ "operator": operator })).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_who_asks_too_fast_is_held_until_another_person_releases() {
    on_both_with(BURST, async |world| {
        world.mover(1).await;
        let clerk = world.desk_of(KORIYAMA, Role::Clerk, "clerk-1");
        let supervisor = world.desk_of(KORIYAMA, Role::Supervisor, "boss-1");
        let ask = async || clerk.post::<api::AskAnswer>(api::INQUIRIES, &question(1)).await;
        for _ in 0..2 {
            ask().await.unwrap();
        }
        assert_eq!(open(&world, &inspect(&supervisor).await.unwrap()).findings, []);
        ask().await.unwrap();
        let inspection = open(&world, &inspect(&supervisor).await.unwrap());
        let [found] = inspection.findings.as_slice() else { panic!("{inspection:?}") };
        assert_eq!((found.rule.as_str(), found.operator.as_str()), ("burst", "clerk-1"));
        assert!(found.held && found.sequences.len() == 3, "{found:?}");
        let lines = world.lines(KORIYAMA).await;
        assert!(
            found.sequences.iter().all(|at| lines[usize::try_from(*at).unwrap()].result == "begun")
        );
        assert_eq!(open(&world, &inspect(&supervisor).await.unwrap()).findings, [], "found twice");

        assert_eq!(refusal(ask().await), (403, "operator-held".to_owned()));
        let answer = world.ask(&question(1)).await.unwrap();
        assert_eq!(answer.outcome, AskOutcome::Provided, "only that operator is held");
        let held_supervisor = world.desk_of(KORIYAMA, Role::Supervisor, "clerk-1");
        assert_eq!(refusal(release(&held_supervisor, "clerk-1").await).1, "denied");
        assert_eq!(refusal(release(&clerk, "clerk-1").await).1, "denied");
        release(&supervisor, "clerk-1").await.unwrap();
        assert_eq!(refusal(release(&supervisor, "clerk-1").await).1, "not-found");
        ask().await.unwrap();
        let lines = world.lines(KORIYAMA).await;
        let released = lines.iter().find(|line| line.result == "released").unwrap();
        assert_eq!((released.actor.as_str(), released.purpose.as_str()), ("boss-1", "clerk-1"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_months_report_counts_and_shows_what_was_signed() {
    on_both_with(BURST, async |world| {
        world.mover(1).await;
        let clerk = world.desk_of(KORIYAMA, Role::Clerk, "clerk-1");
        let supervisor = world.desk_of(KORIYAMA, Role::Supervisor, "boss-1");
        for _ in 0..3 {
            clerk.post::<api::AskAnswer>(api::INQUIRIES, &question(1)).await.unwrap();
        }
        clerk.post::<api::AskAnswer>(api::INQUIRIES, &question(99)).await.unwrap_err();
        let signed = inspect(&supervisor).await.unwrap();
        let today = day_in_japan(world.clock.now());
        let month = today.year() * 100 + i32::from(u8::from(today.month()));
        let read = async |month: i32| {
            let body = json!({ "month": month });
            supervisor.post::<InspectionReport>(api::INSPECTIONS_REPORT, &body).await
        };
        let report = read(month).await.unwrap();
        assert_eq!(report.inspections.len(), 1);
        assert_eq!(report.inspections[0].inspection, signed.inspection);
        assert_eq!(report.held, ["clerk-1"]);
        let wanted = OperatorSummary {
            operator: "clerk-1".to_owned(),
            inquiries: 3,
            refused: 1,
            findings: 1,
        };
        assert!(report.operators.contains(&wanted), "{report:?}");
        let earlier = read(month - 100).await.unwrap();
        assert!(earlier.inspections.is_empty() && earlier.operators.is_empty(), "{earlier:?}");
        for month in [0, 202_600, 202_613, -5] {
            assert_eq!(refusal(read(month).await), (400, "malformed".to_owned()));
        }
        world
            .execute([
                "DROP TRIGGER inspection_keeps; \
                 UPDATE inspection SET body = REPLACE(body, 'clerk-1', 'clerk-2')",
                "UPDATE inspection \
                 SET body = REPLACE(encode(body, 'escape'), 'clerk-1', 'clerk-2')::bytea",
            ])
            .await;
        assert_eq!(refusal(read(month).await), (500, "inspection-altered".to_owned()));
        let results = world.acts(KORIYAMA, "InspectOperations").await;
        assert_eq!(results[..2], ["inspected", "read"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_were_altered_in_the_database_are_reported() {
    on_both(async |world| {
        let supervisor = world.desk(KORIYAMA, Role::Supervisor);
        world.mover(1).await;
        inspect(&supervisor).await.unwrap();
        world.ask(&question(1)).await.unwrap();
        world
            .execute([
                "DROP TRIGGER operation_log_keeps; UPDATE operation_log \
                 SET body = CAST(REPLACE(CAST(body AS TEXT), 'person-1', 'person-2') AS BLOB) \
                 WHERE municipality = '072036' AND seq = 2",
                "UPDATE operation_log \
                 SET body = convert_to(REPLACE(convert_from(body, 'UTF8'), 'person-1', 'person-2'), 'UTF8') \
                 WHERE municipality = '072036' AND seq = 2",
            ])
            .await;
        let inspection = open(&world, &inspect(&supervisor).await.unwrap());
        let rules: Vec<&str> = inspection.findings.iter().map(|one| one.rule.as_str()).collect();
        assert!(rules.contains(&"altered-log"), "{inspection:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_check_runs_by_itself_and_rests_where_nothing_happens() {
    on_both_with("[review]\nevery_s = 1\n", async |world| {
        world.mover(1).await;
        world.ask(&question(1)).await.unwrap();
        until("inspected", async || world.count("inspection").await >= 2).await;
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
        let before = world.count("inspection").await;
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
        assert_eq!(world.count("inspection").await, before, "nothing was new");
        let lines = world.lines(KORIYAMA).await;
        let line = lines.iter().find(|line| line.act == "ReviewOperations").unwrap();
        assert_eq!((line.actor.as_str(), line.result.as_str()), ("partition/p1", "inspected"));
        world.ask(&question(1)).await.unwrap();
        until("inspected again", async || world.count("inspection").await > before).await;
    })
    .await;
}
