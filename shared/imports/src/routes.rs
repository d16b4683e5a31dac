//! The route table, and handlers that translate and call.

use actix_web::web::ServiceConfig;
use service::Endpoint;
use utoipa::OpenApi;

pub static ENDPOINTS: &[Endpoint] = &[];

pub fn configure(_app: &mut ServiceConfig) {}

#[derive(OpenApi)]
#[openapi()]
struct Api;

/// The OpenAPI description of these endpoints.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}
