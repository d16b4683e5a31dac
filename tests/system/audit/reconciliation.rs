//! One record on one side only: it is named within a minute.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{Clock, InquiryId, ServiceKind, SystemClock};
use std::sync::atomic::{AtomicI64, Ordering};
use time::OffsetDateTime;
use watari::Settings;
use watari::story::desk::Desk;
use watari::story::site::Passwords;
use wire::partition::{RECONCILIATION_READ, ReadReconciliation, Reconciliation, Side};

use super::master::{alone, inquire_about, unlimited};
use super::rows;
use crate::support::{Engine, RUNTIME, World, dose, fresh_number, postgres_url};

/// The clock on the wall, set forward.
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> OffsetDateTime {
        SystemClock.now() + time::Duration::seconds(self.0.load(Ordering::Relaxed))
    }
}

#[test]
fn what_one_side_has_alone_is_named_within_a_minute() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let _turn = alone();
        RUNTIME.block_on(reconcile_on(engine));
    }
}

async fn reconcile_on(engine: Engine) {
    let change = |settings: &mut Settings| {
        unlimited(settings);
        settings.partition.as_mut().unwrap().reconcile_every_s = 1;
    };
    let clock = Arc::new(Ahead(AtomicI64::new(0)));
    let owner_url = (engine == Engine::Postgres).then(postgres_url);
    let given: Arc<dyn Clock> = clock.clone();
    let world = World::start_prepared(owner_url, change, given, async |_: &Settings| ()).await;
    let number = fresh_number();
    world.arrive_in_koriyama(number).await;
    world.live_in_adachi(number, &[dose(1)]).await;
    let asked = inquire_about(&world, &[number; 4]).await;
    // Tokens are older than the leap of the clock.
    let passwords = Passwords::load(&world.site.layout).unwrap();
    let adachi = world.cast.adachi.supervisor.clone();
    let adachi = Desk::log_in(&world.site, &adachi, &passwords).await.unwrap();
    let koriyama = world.cast.koriyama.supervisor.clone();
    let koriyama = Desk::log_in(&world.site, &koriyama, &passwords).await.unwrap();
    // The services have compared everything once before the records are taken away.
    tokio::time::sleep(Duration::from_secs(3)).await;
    lose(&world, "provision", "inquiry_id", asked[1]);
    lose(&world, "inquiry", "id", asked[2]);
    // A minute passes for the services.
    clock.0.store(60, Ordering::Relaxed);
    assert_named(&adachi, asked[1], Side::LogWithoutProvision).await;
    assert_named(&koriyama, asked[2], Side::LogWithoutAnswer).await;
    world.house.stop().await;
}

/// The room's own record is taken away behind its back.
fn lose(world: &World, table: &str, column: &str, inquiry: InquiryId) {
    let config = world.site.settings.database(ServiceKind::Partition).unwrap();
    let url = config.owner_url.as_ref().unwrap_or(&config.url).reveal().unwrap();
    let id = inquiry.0.simple();
    let id = if url.starts_with("sqlite:") { format!("x'{id}'") } else { format!("'\\x{id}'") };
    let sql = format!("DELETE FROM {table} WHERE {column} = {id}");
    assert_eq!(rows::count(&mut rows::attack(&url), &sql), 1);
}

/// This record, and no other, is named to the room's supervisor.
async fn assert_named(desk: &Desk, inquiry: InquiryId, side: Side) {
    let begun = Instant::now();
    loop {
        let read = ReadReconciliation {};
        let found: Result<Reconciliation, _> = desk.room(RECONCILIATION_READ, &read).await;
        let one_sided = found.map(|found| found.one_sided).unwrap_or_default();
        if let [one] = one_sided.as_slice() {
            assert_eq!((one.inquiry, one.side), (inquiry, side));
            return;
        }
        assert!(one_sided.is_empty(), "{one_sided:?}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{side:?} is not named");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
