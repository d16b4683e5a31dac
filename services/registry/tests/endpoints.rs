//! What is offered, who is turned away, and that the description says the same.

mod world;

use std::collections::BTreeSet;

use diesel::connection::SimpleConnection as _;
use domain::ServiceKind;
use service::{Method, health};
use world::caller::problem;
use world::{ADACHI, each};

#[test]
fn the_description_and_the_route_table_agree() {
    let document = serde_json::to_value(registry::openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut described = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert((method.to_uppercase(), path.clone()));
        }
    }
    let offered: BTreeSet<_> = registry::ENDPOINTS
        .iter()
        .filter(|endpoint| !health::ENDPOINTS.contains(endpoint))
        .map(|endpoint| (endpoint.method.as_str().to_owned(), endpoint.path.to_owned()))
        .collect();
    assert_eq!(described, offered);
    assert!(health::ENDPOINTS.iter().all(|endpoint| registry::ENDPOINTS.contains(endpoint)));
}

#[tokio::test]
async fn every_endpoint_is_routed_and_lets_nobody_in_without_a_right() {
    for w in each().await {
        w.issue(Some(ADACHI), "t");
        let terminal = w.at("131211-t");
        let other = w.service(ServiceKind::ProvisionLog, "main");
        for endpoint in registry::ENDPOINTS {
            let mut codes = Vec::new();
            for caller in [&terminal, &other] {
                let answer = match endpoint.method {
                    Method::Get => caller.try_get::<serde_json::Value>(endpoint.path).await,
                    Method::Post => caller.post(endpoint.path, &"no form").await,
                };
                codes.push(answer.err().filter(|e| e.problem().is_some()).map(|e| problem(e).code));
            }
            let found: Vec<_> = codes.iter().map(|code| code.as_deref().unwrap_or("")).collect();
            let expected: [&str; 2] = match endpoint.path {
                "/livez" | "/readyz" | "/metrics" => ["", ""],
                "/v1/directory" | "/v1/revocations" => ["denied", ""],
                "/v1/sessions" => ["malformed", "denied"],
                "/v1/municipalities/keys" => ["denied", "denied"],
                _ => ["unauthenticated", "denied"],
            };
            assert_eq!(found, expected, "{}", endpoint.path);
        }
        let refused = problem(other.try_get::<String>("/v1/operators").await.unwrap_err());
        assert_eq!(refused.code, "unauthenticated");
        w.running.stop().await;
    }
}

#[tokio::test]
async fn readiness_tells_that_the_database_is_missing() {
    for w in each().await {
        let broker = w.service(ServiceKind::Broker, "main");
        let ready: serde_json::Value = broker.get("/readyz").await;
        assert_eq!(ready, serde_json::json!({ "ready": true, "causes": [] }));
        let hide = "ALTER TABLE __diesel_schema_migrations RENAME TO elsewhere";
        w.t.as_owner(move |tx| tx.batch_execute(hide)).await;
        assert!(broker.try_get::<serde_json::Value>("/readyz").await.is_err());
        assert_eq!(broker.text("/livez").await, "ok");
        w.running.stop().await;
    }
}
