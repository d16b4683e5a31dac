//! Guessing gets slower, for known and unknown users alike.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use registry::Limits;
use time::Duration;
use world::caller::problem;
use world::{ADACHI, KORIYAMA, PASSWORD, each_with, settled};

#[tokio::test]
async fn who_fails_too_often_waits_known_or_not() {
    for w in settled().await {
        let mut waits = Vec::new();
        for user in ["clerk-adachi", "nobody"] {
            let adachi = w.at("131211-t");
            for _ in 0..5 {
                let refused = adachi.log_in(user, "wrong horse battery").await.unwrap_err();
                assert_eq!(problem(refused).code, "log-in-refused");
            }
            // Even the right password has to wait now.
            waits.push(problem(adachi.log_in(user, PASSWORD).await.unwrap_err()));
        }
        assert_eq!((waits[0].status, waits[0].code.as_str()), (429, "too-many"));
        assert_eq!(waits[0], waits[1]);
        w.clock.advance(Duration::seconds(1));
        let adachi = w.at("131211-t");
        adachi.log_in("clerk-adachi", PASSWORD).await.unwrap();
        adachi.log_in("clerk-adachi", PASSWORD).await.unwrap();
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_terminal_where_many_fail_waits_and_others_do_not() {
    let limits = Limits { failures_per_terminal_max: 3, ..Limits::default() };
    for w in each_with(limits).await {
        w.settle(ADACHI, "clerk-adachi").await;
        w.settle(KORIYAMA, "clerk-koriyama").await;
        let adachi = w.at("131211-t");
        for user in ["a", "b", "c"] {
            adachi.log_in(user, "wrong horse battery").await.unwrap_err();
        }
        let refused = adachi.log_in("clerk-adachi", PASSWORD).await.unwrap_err();
        assert_eq!(problem(refused).code, "too-many");
        w.at("072036-t").log_in("clerk-koriyama", PASSWORD).await.unwrap();
        w.running.stop().await;
    }
}

#[tokio::test]
async fn many_tries_at_the_same_time_are_no_way_around() {
    for w in settled().await {
        let adachi = w.at("131211-t");
        let tries = (0..40).map(|_| adachi.log_in("clerk-adachi", "wrong horse battery"));
        let mut checked = 0;
        for refused in tries_at_once(tries).await {
            checked += usize::from(problem(refused).code == "log-in-refused");
        }
        assert_eq!(checked, 5);
        w.running.stop().await;
    }
}

async fn tries_at_once<A: std::fmt::Debug>(
    tries: impl Iterator<Item = impl Future<Output = Result<A, wire::CallError>>>,
) -> Vec<wire::CallError> {
    let mut tries: Vec<_> = tries.map(Box::pin).collect();
    let mut done = Vec::new();
    std::future::poll_fn(|context| {
        tries.retain_mut(|one| match one.as_mut().poll(context) {
            std::task::Poll::Ready(refused) => {
                done.push(refused.unwrap_err());
                false
            }
            std::task::Poll::Pending => true,
        });
        if tries.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done
}
