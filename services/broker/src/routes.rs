use std::time::Instant;

use actix_web::web::{Data, Json, ServiceConfig, post};
use domain::{Action, Actor, ServiceKind};
use service::{ApiError, Body, Caller, Endpoint, health, problems};
use tracing::Instrument as _;
use utoipa::OpenApi;
use wire::Problem;
use wire::broker::{BrokerAnswer, BrokerInquiry, INQUIRIES};

use crate::inquire::inquire;
use crate::state::{Attempt, Broker};

const ROUTE: Endpoint = Endpoint::post(INQUIRIES, Action::RouteInquiry);

/// Every way in.
pub static ENDPOINTS: &[Endpoint] = &[ROUTE, health::LIVE, health::READY, health::METRICS];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Watari broker",
        description = "Routes sealed inquiries to the source they name."
    ),
    paths(route_inquiry)
)]
struct Api;

/// The API description; health endpoints are the same everywhere and not part of it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config.route(ROUTE.path, post().to(route_inquiry));
}

/// Routes a sealed inquiry to the municipality it names.
///
/// The inquiry id is the idempotency key: sent again, it ends the same way and is logged once.
#[utoipa::path(
    post,
    path = INQUIRIES,
    request_body = BrokerInquiry,
    responses(
        (status = 200, description = "Answered; the receipt proves that it is on record", body = BrokerAnswer),
        (status = 400, description = "Not of the agreed shape", body = Problem),
        (status = 403, description = "Refused, by the broker or by the source", body = Problem),
        (status = 409, description = "This id has ended with another outcome", body = Problem),
        (status = 429, description = "Too many inquiries or mismatches", body = Problem),
        (status = 503, description = "Source or platform not available; never means nothing", body = Problem),
    )
)]
async fn route_inquiry(
    caller: Caller,
    broker: Data<Broker>,
    Body(inquiry): Body<BrokerInquiry>,
) -> Result<Json<BrokerAnswer>, ApiError> {
    let received = Instant::now();
    let Actor::Service { kind: ServiceKind::Partition, instance } = caller.context.actor else {
        return Err(ApiError::new(&problems::DENIED));
    };
    let attempt = Attempt::new(inquiry, instance, caller.context.request, received)?;
    let header = &attempt.inquiry.header;
    let span = tracing::info_span!(
        "broker.route",
        inquiry.id = %header.inquiry,
        municipality.inquirer = %header.inquirer,
        municipality.provider = %header.provider,
        outcome = tracing::field::Empty,
    );
    // A task of its own: what has begun comes on record even if the caller hangs up.
    let task = async move { inquire(&broker, &attempt).await }.instrument(span);
    let ended = actix_web::rt::spawn(task).await;
    ended.map_err(|error| ApiError::caused(&problems::INTERNAL, error))?.map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_description_has_every_endpoint_and_no_other() {
        let described = openapi().paths.paths;
        let described: Vec<(&str, bool)> =
            described.iter().map(|(path, item)| (path.as_str(), item.post.is_some())).collect();
        let own: Vec<(&str, bool)> = ENDPOINTS
            .iter()
            .filter(|endpoint| !health::ENDPOINTS.contains(endpoint))
            .map(|endpoint| (endpoint.path, endpoint.method == service::Method::Post))
            .collect();
        assert_eq!(described, own);
    }
}
