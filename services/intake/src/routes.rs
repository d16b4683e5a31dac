//! The endpoints and their handlers; the gate has let the caller in before any of these runs.

use actix_web::web::ServiceConfig;
use service::{Endpoint, health};
use utoipa::OpenApi;

pub static ENDPOINTS: &[Endpoint] = &[health::LIVE, health::READY, health::METRICS];

pub(crate) fn configure() -> impl Fn(&mut ServiceConfig) + Clone {
    |_| ()
}

/// The API description (OpenAPI 3.1).
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

#[derive(OpenApi)]
#[openapi(info(title = "Watari intake"))]
struct Api;
