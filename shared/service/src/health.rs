//! `/livez`: the process answers.  `/readyz`: it could serve now, or why not.  `/metrics`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::web::{Data, ServiceConfig, get};
use domain::Action;
use serde::Serialize;

use crate::Endpoint;
use crate::metrics::Metrics;

pub const LIVE: Endpoint = Endpoint::get("/livez", Action::ReadHealth);
pub const READY: Endpoint = Endpoint::get("/readyz", Action::ReadHealth);
pub const METRICS: Endpoint = Endpoint::get("/metrics", Action::ReadHealth);

/// Every service has these beside its own.
pub const ENDPOINTS: [Endpoint; 3] = [LIVE, READY, METRICS];

/// What a service needs before it can serve; the words are fixed sentences.
pub type Check = Arc<dyn Fn() -> Pin<Box<dyn Future<Output = Vec<&'static str>>>> + Send + Sync>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Readiness {
    ready: bool,
    causes: Vec<&'static str>,
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route(LIVE.path, get().to(async || HttpResponse::Ok().body("ok")))
        .route(READY.path, get().to(ready))
        .route(METRICS.path, get().to(metrics));
}

async fn ready(check: Data<ReadyCheck>) -> HttpResponse {
    let causes = (check.0)().await;
    let body = Readiness { ready: causes.is_empty(), causes };
    if body.ready {
        HttpResponse::Ok().json(body)
    } else {
        HttpResponse::ServiceUnavailable().json(body)
    }
}

async fn metrics(metrics: Data<Metrics>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(metrics.to_text())
}

pub(crate) struct ReadyCheck(pub(crate) Check);
