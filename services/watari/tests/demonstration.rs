//! The demonstration holds what it says, also when it goes on in the folder of an earlier run.

#![expect(clippy::unwrap_used, reason = "a test should stop at once")]

use std::sync::Arc;

use domain::{Clock, ServiceKind, SystemClock};
use watari::house::House;
use watari::screen::Screen;
use watari::setup::{Databases, Plan};
use watari::story::{seed, show};
use watari::{Settings, services};

async fn tell(house: &House, clock: &dyn Clock) {
    let site = house.site();
    seed::seed(&site, clock, Screen::Silent).await.unwrap();
    let shown = show::show(&site, Screen::Silent).await.unwrap();
    shown.check(&site, Screen::Silent).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_claim_holds_in_a_new_folder_and_in_an_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let plan = Plan { base_port: None, databases: Databases::Sqlite, poll_ms: 100 };
    let house = House::start_new(&folder.path().join("new"), &plan, &clock).await.unwrap();
    tell(&house, clock.as_ref()).await;
    house.stop().await;

    let settings = Settings::load(&folder.path().join("new/watari.toml")).unwrap();
    let house = House::start(settings, &services::IN_ORDER, &clock).await.unwrap();
    tell(&house, clock.as_ref()).await;
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stopped_comes_back_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let plan = Plan { base_port: None, databases: Databases::Sqlite, poll_ms: 100 };
    let mut house = House::start_new(folder.path(), &plan, &clock).await.unwrap();
    let before: Vec<_> = house.running().collect();
    house.stop_one(ServiceKind::ProvisionLog).await;
    assert_eq!(house.running().count(), services::IN_ORDER.len() - 1);
    house.start_one(ServiceKind::ProvisionLog, &clock).await.unwrap();
    assert!(house.running().all(|one| before.contains(&one)));
    tell(&house, clock.as_ref()).await;
    house.stop().await;
}
