//! Who is turned away, and that it is on record before they hear of it.

use crate::world::source::Manner;
use crate::world::{ADACHI, NOBODY, URUMA, World, code, header, problem, signed};
use broker::Limits;
use crypto::SigningKey;
use domain::{InquiryHeader, MunicipalityCode, OperatorId, Outcome, Reason};

#[tokio::test]
async fn an_inquiry_that_is_not_authentic_is_refused_and_on_record() {
    let world = World::new().await;
    let forged = signed(&SigningKey::make_random().unwrap(), header(ADACHI));
    assert_eq!(code(world.ask(&forged).await), (403, "not-authentic".to_owned()));
    let good = world.inquiry(ADACHI);
    assert_eq!(code(world.ask_as("p2", &good).await), (403, "not-authentic".to_owned()));
    let stranger = MunicipalityCode::parse(NOBODY).unwrap();
    let unknown = signed(&world.koriyama, InquiryHeader { inquirer: stranger, ..header(ADACHI) });
    assert_eq!(code(world.ask(&unknown).await), (403, "not-authentic".to_owned()));
    assert_eq!(world.log.ends(), [(Outcome::Refused, Some(Reason::NotAuthentic)); 3]);
    assert!(world.adachi.asked().is_empty());
}

#[tokio::test]
async fn an_instance_that_speaks_for_others_cannot_bury_the_log() {
    let limits = Limits { strangers_per_s_max: 1, strangers_burst_max: 3, ..Limits::default() };
    let world = World::with(limits).await;
    let mut codes = Vec::new();
    for _ in 0..8 {
        codes.push(code(world.ask_as("p2", &world.inquiry(ADACHI)).await).0);
    }
    let refused = codes.iter().filter(|code| **code == 403).count();
    let turned_away = codes.iter().filter(|code| **code == 429).count();
    assert!(refused >= 3 && turned_away >= 1 && refused + turned_away == 8, "{codes:?}");
    assert_eq!(world.log.entries().len(), refused);
    assert!(world.ask(&world.inquiry(ADACHI)).await.unwrap().routed, "the host is not held up");
}

#[tokio::test]
async fn an_inquiry_out_of_time_is_refused_and_on_record() {
    let world = World::new().await;
    for away_s in [-400, 400] {
        let now = header(ADACHI);
        let asked_at_unix_s = now.asked_at_unix_s + away_s;
        let inquiry = signed(&world.koriyama, InquiryHeader { asked_at_unix_s, ..now });
        assert_eq!(code(world.ask(&inquiry).await), (403, "out-of-time".to_owned()));
    }
    assert_eq!(world.log.ends(), [(Outcome::Refused, Some(Reason::OutOfTime)); 2]);
    assert!(world.adachi.asked().is_empty());
}

#[tokio::test]
async fn an_inquiry_that_is_not_permitted_is_refused_and_on_record() {
    let world = World::new().await;
    let procedure = "tax".to_owned();
    let inquiry = signed(&world.koriyama, InquiryHeader { procedure, ..header(ADACHI) });
    let told = problem(world.ask(&inquiry).await);
    assert_eq!((told.status, told.code.as_str()), (403, "not-permitted"));
    assert_eq!(told.owner, wire::Owner::Asker);
    assert_eq!(world.log.ends(), [(Outcome::Refused, Some(Reason::NotPermitted))]);
    assert!(world.adachi.asked().is_empty() && world.uruma.asked().is_empty());
}

#[tokio::test]
async fn what_the_log_could_not_keep_is_refused_without_an_entry() {
    let world = World::new().await;
    let procedure = "a b".to_owned();
    let inquiry = signed(&world.koriyama, InquiryHeader { procedure, ..header(ADACHI) });
    let told = problem(world.ask(&inquiry).await);
    assert_eq!((told.status, told.field.as_deref()), (400, Some("header")));
    assert!(world.log.entries().is_empty());
}

#[tokio::test]
async fn after_fifty_mismatches_the_operator_is_blocked_and_a_colleague_is_not() {
    let limits = Limits { nothing_quantum_ms: 0, requests_per_s_max: 0, ..Limits::default() };
    let world = World::with(limits).await;
    let client = world.client("p1");
    for _ in 0..50 {
        let (inquiry, request) = (world.inquiry(NOBODY), domain::RequestId::make_random());
        let answer: wire::broker::BrokerAnswer =
            client.post(wire::broker::INQUIRIES, &request, None, &inquiry).await.unwrap();
        assert!(!answer.routed);
    }
    let told = code(world.ask(&world.inquiry(ADACHI)).await);
    assert_eq!(told, (429, "too-many-mismatches".to_owned()));
    assert!(world.adachi.asked().is_empty());
    assert_eq!(world.log.ends().last(), Some(&(Outcome::Refused, Some(Reason::TooMany))));
    assert_eq!(world.log.entries().len(), 51);

    let operator = OperatorId::parse("clerk-2").unwrap();
    let colleague = signed(&world.koriyama, InquiryHeader { operator, ..header(ADACHI) });
    assert!(world.ask(&colleague).await.unwrap().routed);
}

#[tokio::test]
async fn a_faster_operator_than_allowed_waits_and_nothing_is_on_record() {
    let limits = Limits { requests_per_s_max: 1, requests_burst_max: 2, ..Limits::default() };
    let world = World::with(limits).await;
    for _ in 0..2 {
        world.ask(&world.inquiry(URUMA)).await.unwrap();
    }
    // The bucket refills within a second, so asking must not take longer; hence one client.
    let (client, mut refused) = (world.client("p1"), 0);
    for _ in 0..5 {
        let (inquiry, request) = (world.inquiry(URUMA), domain::RequestId::make_random());
        let answer = client
            .post::<wire::broker::BrokerAnswer>(wire::broker::INQUIRIES, &request, None, &inquiry)
            .await;
        refused += usize::from(answer.is_err_and(|e| e.problem().unwrap().status == 429));
    }
    assert!(refused > 0);
    assert_eq!(world.log.entries().len(), 7 - refused);
}

#[tokio::test]
async fn one_municipality_has_so_many_places_and_who_finds_none_leaves_no_entry() {
    let limits = Limits { in_flight_per_municipality_max: 1, ..Limits::default() };
    let world = World::with(limits).await;
    world.adachi.set(Manner::Dawdle);
    let (one, other) = (world.inquiry(ADACHI), world.inquiry(ADACHI));
    let (first, second) = tokio::join!(world.ask(&one), async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        world.ask(&other).await
    });
    assert!(first.is_ok());
    assert_eq!(code(second), (429, "too-many".to_owned()));
    assert_eq!(world.log.ends(), [(Outcome::Nothing, None)]);
}

async fn ask_row(
    world: &World,
    inquiry: &wire::broker::BrokerInquiry,
) -> Result<wire::broker::BrokerAnswer, wire::CallError> {
    let request = domain::RequestId::make_random();
    world.client("p1").post(wire::broker::BATCH_INQUIRIES, &request, None, inquiry).await
}

#[tokio::test]
async fn rows_of_a_batch_find_nothing_as_often_as_they_do() {
    let limits = Limits { nothing_quantum_ms: 0, requests_per_s_max: 0, ..Limits::default() };
    let world = World::with(limits).await;
    for _ in 0..60 {
        assert!(!ask_row(&world, &world.inquiry(NOBODY)).await.unwrap().routed);
    }
    assert_eq!(world.log.entries().len(), 60);
    assert!(world.ask(&world.inquiry(ADACHI)).await.unwrap().routed);
}

#[tokio::test]
async fn whoever_is_blocked_at_a_desk_asks_by_no_batch_either() {
    let limits = Limits { nothing_quantum_ms: 0, mismatches_block_at: 1, ..Limits::default() };
    let world = World::with(limits).await;
    world.ask(&world.inquiry(NOBODY)).await.unwrap();
    let told = code(ask_row(&world, &world.inquiry(ADACHI)).await);
    assert_eq!(told, (429, "too-many-mismatches".to_owned()));
}

#[tokio::test]
async fn a_batch_uses_up_its_own_budget_and_no_clerks() {
    let limits = Limits {
        requests_per_s_max: 1,
        requests_burst_max: 1,
        batch_requests_per_s_max: 1,
        batch_requests_burst_max: 2,
        ..Limits::default()
    };
    let world = World::with(limits).await;
    let (client, mut refused) = (world.client("p1"), 0);
    for _ in 0..6 {
        let (inquiry, request) = (world.inquiry(URUMA), domain::RequestId::make_random());
        let path = wire::broker::BATCH_INQUIRIES;
        let answer =
            client.post::<wire::broker::BrokerAnswer>(path, &request, None, &inquiry).await;
        if let Err(error) = answer {
            assert_eq!(error.problem().unwrap().retry_after_s, Some(1));
            refused += 1;
        }
    }
    assert!(refused > 0, "a batch is not bounded");
    assert!(world.ask(&world.inquiry(URUMA)).await.is_ok());
    // Somebody who is not the host gets nothing of it.
    let request = domain::RequestId::make_random();
    let inquiry = world.inquiry(URUMA);
    let path = wire::broker::BATCH_INQUIRIES;
    let stranger = world.client("p9");
    let told = code(stranger.post(path, &request, None, &inquiry).await);
    assert_eq!(told, (403, "not-authentic".to_owned()));
}
