//! Whoever watches the lines between services learns nothing from lengths, and an impostor on one
//! of them hears nothing at all.

use domain::ServiceKind;
use serde_json::Value;
use watari::story::desk::Desk;
use wire::CallError;
use wire::partition::AskOutcome;
use wire::registry::{MUNICIPALITIES, RegisterMunicipality};

use super::go_between::{Exchange, GoBetween};
use super::line::Line;
use super::nothing::questions;
use crate::support::{Engine, RUNTIME, World, clock, dose, fresh_number, question};

/// From now on the partition finds the broker at another address.
async fn move_broker_to(world: &mut World, url: &str) {
    world.house.stop_one(ServiceKind::Partition).await;
    world.house.settings.partition.as_mut().unwrap().broker_url = url.to_owned();
    world.house.start_one(ServiceKind::Partition, &clock()).await.unwrap();
    wait_until_ready(world).await;
}

/// A partition that has just started has not fetched the directory yet.
async fn wait_until_ready(world: &World) {
    let line = Line::to(world, ServiceKind::Partition, "broker");
    for _ in 0..100 {
        if line.call(("GET", "/readyz"), None, b"").await.unwrap().status == 200 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the partition is not ready");
}

fn stand_between(world: &World, caller: ServiceKind, called: ServiceKind) -> GoBetween {
    let onward = Line::to(world, called, caller.as_str());
    GoBetween::start(&world.site.layout.tls(called.as_str()), onward)
}

/// Lets Adachi's room be reached through somebody who listens.
async fn move_adachi_to(world: &World, url: &str) {
    let adachi = RegisterMunicipality {
        municipality: world.cast.adachi.code,
        host: watari::setup::INSTANCE.to_owned(),
        url: url.to_owned(),
    };
    let national = world.desk(&world.cast.national).await;
    national.registry::<Value>(MUNICIPALITIES, &adachi).await.unwrap();
    // The broker asks every 100 ms.
    tokio::time::sleep(std::time::Duration::from_millis(1_000)).await;
}

/// Lengths of everything in an exchange but the receipt, which grows with the log.
#[derive(Debug, PartialEq, Eq)]
struct Lengths {
    request_head: usize,
    request_body: usize,
    answer_headers: Vec<(String, usize)>,
    answer_sealed: usize,
    answer_rest: usize,
}

fn lengths(exchange: &Exchange) -> Lengths {
    let Exchange { head, body, answer } = exchange;
    let json = answer.json();
    let sealed = json["sealed"].as_str().unwrap().len();
    let receipt = json.get("receipt").map_or(0, |receipt| receipt.to_string().len());
    let entry = json["receipt"]["entry"].as_str().map_or(0, str::len);
    let headers = answer.headers.iter().filter(|(name, _)| *name != "content-length");
    Lengths {
        request_head: head.len(),
        request_body: body.len(),
        answer_headers: headers.map(|(name, value)| (name.clone(), value.len())).collect(),
        answer_sealed: sealed,
        answer_rest: answer.body.len() - sealed - receipt + entry,
    }
}

async fn ask_everything(world: &World, desk: &Desk) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    for (kind, asked) in questions(world).await {
        assert_eq!(desk.ask(&asked).await.unwrap().outcome, AskOutcome::Nothing, "{kind}");
        kinds.push(kind);
    }
    kinds
}

#[test]
fn every_kind_of_nothing_is_as_long_as_every_other_on_the_line_to_the_broker() {
    RUNTIME.block_on(async {
        let mut world = World::start(Engine::Sqlite).await;
        let line = stand_between(&world, ServiceKind::Partition, ServiceKind::Broker);
        move_broker_to(&mut world, &line.url).await;
        let desk = world.desk(&world.cast.koriyama.clerk).await;
        let kinds = ask_everything(&world, &desk).await;
        let heard = line.take();
        assert_eq!(heard.len(), kinds.len());
        let routed = heard.iter().filter(|one| is_routed(&one.answer.json())).count();
        assert_eq!(routed, 3, "half of them end at the broker");
        for (kind, exchange) in kinds.iter().zip(&heard) {
            assert_eq!(lengths(exchange), lengths(&heard[0]), "{kind}");
        }
    });
}

fn is_routed(answer: &Value) -> bool {
    answer["routed"] == 1
}

#[test]
fn every_kind_of_nothing_is_as_long_as_every_other_on_the_line_from_the_source() {
    RUNTIME.block_on(async {
        let world = World::start(Engine::Sqlite).await;
        let line = stand_between(&world, ServiceKind::Broker, ServiceKind::Partition);
        move_adachi_to(&world, &line.url).await;
        let desk = world.desk(&world.cast.koriyama.clerk).await;
        ask_everything(&world, &desk).await;
        let heard = line.take();
        assert_eq!(heard.len(), 3, "only those that name Adachi come here");
        assert!(heard.iter().all(|one| lengths(one) == lengths(&heard[0])));

        let number = fresh_number();
        world.arrive_in_koriyama(number).await;
        world.live_in_adachi(number, &[dose(1)]).await;
        desk.ask(&question(number, world.cast.adachi.code)).await.unwrap();
        let found = line.take();
        let sealed = |one: &Exchange| lengths(one).answer_sealed;
        assert_eq!(sealed(&found[0]), sealed(&heard[0]), "a dose or two fit the smallest size");
    });
}

#[test]
fn another_service_in_the_brokers_place_hears_nothing() {
    RUNTIME.block_on(async {
        let mut world = World::start(Engine::Sqlite).await;
        for impostor in ["partition", "registry", "terminal-adachi"] {
            let onward = Line::to(&world, ServiceKind::Broker, "partition");
            let line = GoBetween::start(&world.site.layout.tls(impostor), onward);
            move_broker_to(&mut world, &line.url).await;
            let number = fresh_number();
            world.arrive_in_koriyama(number).await;
            let desk = world.desk(&world.cast.koriyama.clerk).await;
            let failed = desk.ask(&question(number, world.cast.adachi.code)).await.unwrap_err();
            let problem = match &failed {
                CallError::Failed(Some(problem)) => problem,
                other => panic!("{impostor}: {other:?}"),
            };
            assert_eq!((problem.status, problem.code.as_str()), (503, "unavailable"));
            assert!(line.take().is_empty(), "{impostor} heard something");
        }
    });
}
