//! Without the registry nobody knows who was revoked, and then nobody is let in.

use std::time::{Duration, Instant};

use domain::policy::Party;
use domain::{InquiryId, ServiceKind};
use wire::partition::{FindInquiry, INQUIRIES_FIND};
use wire::provision_log::CHECKPOINT;

use super::line::Line;
use super::people::somebody;
use crate::support::{Engine, RUNTIME, World, clock};

const STALE_S: u64 = 2;
const SECONDS: Duration = Duration::from_secs(STALE_S + 4);

/// Waits for one of two answers and returns how long it took.
async fn wait_for(want: u16, meanwhile: u16, ask: impl AsyncFn() -> u16) -> Duration {
    let begun = Instant::now();
    loop {
        let status = ask().await;
        if status == want {
            return begun.elapsed();
        }
        assert_eq!(status, meanwhile);
        assert!(begun.elapsed() < SECONDS, "still {meanwhile}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[test]
fn without_the_registry_services_stop_letting_people_in_and_recover_with_it() {
    RUNTIME.block_on(async {
        let mut world = World::start_with(Engine::Sqlite, |settings| {
            settings.participants.as_mut().unwrap().stale_s_max = STALE_S.cast_signed();
        })
        .await;
        let clerk = somebody(&world, Party::Clerk);
        let session = clerk.log_in(&world).await;
        let room = clerk.line(&world, ServiceKind::Partition);
        let log = clerk.line(&world, ServiceKind::ProvisionLog);
        let find = FindInquiry { inquiry: InquiryId::make_random() };
        let find = serde_json::to_vec(&find).unwrap();
        let ask = async || {
            let answer = room.call(("POST", INQUIRIES_FIND), session.as_deref(), &find).await;
            answer.unwrap().status
        };
        let read = async || log.call(("GET", CHECKPOINT), None, b"").await.unwrap().status;
        assert_eq!((ask().await, read().await), (404, 200));

        world.house.stop_one(ServiceKind::Registry).await;
        wait_for(503, 404, ask).await;
        wait_for(503, 200, read).await;
        let answer = room.call(("POST", INQUIRIES_FIND), session.as_deref(), &find).await.unwrap();
        assert_eq!(answer.code(), "unavailable");
        assert!(answer.headers.contains_key("retry-after"));
        for _ in 0..10 {
            assert_eq!((ask().await, read().await), (503, 503), "closed is closed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        expect_to_say_why(&world).await;

        world.house.start_one(ServiceKind::Registry, &clock()).await.unwrap();
        wait_for(404, 503, ask).await;
        wait_for(200, 503, read).await;
    });
}

/// Health stays readable, and says what is missing.
async fn expect_to_say_why(world: &World) {
    for kind in [ServiceKind::Partition, ServiceKind::ProvisionLog] {
        let line = Line::to(world, kind, world.cast.koriyama.terminal().as_str());
        let answer = line.call(("GET", "/readyz"), None, b"").await.unwrap();
        assert_eq!((answer.status, &answer.json()["ready"]), (503, &false.into()), "{kind}");
        assert_ne!(answer.json()["causes"].as_array().unwrap().len(), 0, "{kind}");
    }
}
