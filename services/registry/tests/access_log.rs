//! Reading the access log, and lines of requests that reach no handler.

mod world;

use std::collections::BTreeSet;

use domain::{Role, ServiceKind};
use registry::Limits;
use serde_json::{Value, json};
use wire::registry::{self as paths, AccessLog, RegisterOperator};
use world::{ADACHI, PASSWORD, clerk_of, each_with, operator, settled};

#[tokio::test]
async fn a_supervisor_sees_the_own_municipality_and_the_nation_sees_all() {
    for w in settled().await {
        let nation = w.nation().await;
        let supervisor = RegisterOperator { role: Role::Supervisor, ..clerk_of(ADACHI, "s") };
        nation.change(paths::OPERATORS, &supervisor).await.unwrap();
        let supervisor = w.at("131211-t").logged_in("s").await;
        w.at("072036-t").log_in("clerk-koriyama", "wrong horse battery").await.unwrap_err();
        let all = w.access_log().await;
        let ask = |place: Option<&str>, from: u64, limit: u16| json!({ "municipality": place, "from": from, "limit": limit });
        let own: AccessLog =
            supervisor.post(paths::ACCESS_LOG_LIST, &ask(None, 0, 1_000)).await.unwrap();
        let expected: Vec<_> =
            all.iter().filter(|line| line.concerns.as_deref() == Some(ADACHI)).cloned().collect();
        assert_eq!(own.lines, expected);
        let seen: BTreeSet<_> = own.lines.iter().map(|line| line.action.as_str()).collect();
        let acts = ["LogIn", "RegisterMunicipality", "RegisterOperator", "RegisterTerminal"];
        assert_eq!(seen, BTreeSet::from(acts));
        let every: AccessLog =
            nation.post(paths::ACCESS_LOG_LIST, &ask(None, 0, 1_000)).await.unwrap();
        assert_eq!(every.lines[..all.len()], all);
        // Reading is a line that the municipality sees.
        let read = every.lines.last().unwrap();
        assert_eq!(
            (read.action.as_str(), read.concerns.as_deref()),
            ("ReadAccessLog", Some(ADACHI))
        );
        let page: AccessLog = nation.post(paths::ACCESS_LOG_LIST, &ask(None, 3, 2)).await.unwrap();
        assert_eq!(page.lines, all[3..5]);
        w.running.stop().await;
    }
}

#[tokio::test]
async fn where_there_is_no_endpoint_there_is_a_line_and_health_has_none() {
    for w in settled().await {
        let broker = w.service(ServiceKind::Broker, "main");
        let before = w.access_log().await.len();
        for path in ["/livez", "/readyz", "/metrics"] {
            broker.text(path).await;
        }
        assert_eq!(w.access_log().await.len(), before);
        let refused =
            w.at("131211-t").try_get::<Value>("/v1/persons/999912345678").await.unwrap_err();
        assert_eq!(world::caller::problem(refused).code, "unauthenticated");
        let line = w.access_log().await.pop().unwrap();
        assert_eq!(
            (line.action.as_str(), line.result.as_str()),
            ("NoSuchEndpoint", "unauthenticated")
        );
        assert_eq!(line.municipality.as_deref(), Some(ADACHI));
        assert!(!format!("{line:?}").contains("9999"));
        w.running.stop().await;
    }
}

#[tokio::test]
async fn who_must_wait_and_who_is_sent_away_leave_lines_too() {
    let limits = Limits {
        password_checks_at_once_max: 1,
        password_checks_waiting_max: 0,
        ..Limits::default()
    };
    for w in each_with(limits).await {
        w.settle(ADACHI, "clerk-adachi").await;
        let before = w.access_log().await.len();
        let tries: Vec<_> = (0..40)
            .map(|_| {
                let desk = w.at("131211-t");
                tokio::spawn(async move { desk.log_in("clerk-adachi", PASSWORD).await.err() })
            })
            .collect();
        let mut problems = Vec::new();
        for one in tries {
            let error = one.await.unwrap();
            problems.push(error.map_or("done".to_owned(), |e| world::caller::problem(e).code));
        }
        let lines = w.access_log().await.split_off(before);
        let mut results: Vec<_> = lines.iter().map(|line| line.result.clone()).collect();
        problems.sort();
        results.sort();
        assert_eq!(results, problems);
        let seen: BTreeSet<_> = results.iter().map(String::as_str).collect();
        assert_eq!(seen, BTreeSet::from(["done", "too-many", "unavailable"]));
        for line in lines.iter().filter(|line| line.result == "too-many") {
            assert_eq!((&line.operator, &line.claimed), (&None, &Some(operator("clerk-adachi"))));
        }
        w.running.stop().await;
    }
}
