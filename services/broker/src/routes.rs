use std::time::Instant;

use actix_web::web::{Data, Json, ServiceConfig, post};
use domain::{Action, Actor, ServiceKind};
use service::{ApiError, Body, Caller, Endpoint, health, problems};
use tracing::Instrument as _;
use utoipa::{IntoResponses, OpenApi};
use wire::Problem;
use wire::broker::{BATCH_INQUIRIES, BrokerAnswer, BrokerInquiry, INQUIRIES};
use wire::notices::{BrokerNotice, NOTICES, NoticeRouted};

use crate::deliver::{Delivery, deliver};
use crate::inquire::inquire;
use crate::state::{Attempt, Broker};

const ROUTE: Endpoint = Endpoint::post(INQUIRIES, Action::RouteInquiry);
const ROUTE_BATCH: Endpoint = Endpoint::post(BATCH_INQUIRIES, Action::RouteInquiry);
const DELIVER: Endpoint = Endpoint::post(NOTICES, Action::RouteNotice);

/// Every way in.
pub static ENDPOINTS: &[Endpoint] =
    &[ROUTE, ROUTE_BATCH, DELIVER, health::LIVE, health::READY, health::METRICS];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Watari broker",
        description = "Routes sealed inquiries to the source they name."
    ),
    paths(route_inquiry, route_batch_inquiry, route_notice)
)]
struct Api;

/// The API description; health endpoints are the same everywhere and not part of it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route(ROUTE.path, post().to(route_inquiry))
        .route(ROUTE_BATCH.path, post().to(route_batch_inquiry))
        .route(DELIVER.path, post().to(route_notice));
}

/// How an inquiry may end.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it stands for the API description only")]
enum Ends {
    /// Answered; the receipt proves that it is on record
    #[response(status = 200)]
    Answered(BrokerAnswer),
    /// Not of the agreed shape
    #[response(status = 400)]
    Malformed(Problem),
    /// Refused, by the broker or by the source
    #[response(status = 403)]
    Refused(Problem),
    /// This id has ended with another outcome
    #[response(status = 409)]
    Settled(Problem),
    /// Too many inquiries, rows or mismatches
    #[response(status = 429)]
    TooMany(Problem),
    /// Source or platform not available; never means nothing
    #[response(status = 503)]
    Unavailable(Problem),
}

/// Routes a sealed inquiry to the municipality it names.
///
/// The inquiry id is the idempotency key: sent again, it ends the same way and is logged once.
#[utoipa::path(
    post,
    path = INQUIRIES,
    request_body = BrokerInquiry,
    responses(Ends)
)]
async fn route_inquiry(
    caller: Caller,
    broker: Data<Broker>,
    Body(inquiry): Body<BrokerInquiry>,
) -> Result<Json<BrokerAnswer>, ApiError> {
    route(caller, broker, (inquiry, false)).await
}

/// The same for a row of a batch, which has a budget of its own.
///
/// That a file may hold each person once, and that its persons are in the inquirer's register, the
/// inquirer's room has seen to; the host is believed about both as it is about the operator.
#[utoipa::path(
    post,
    path = BATCH_INQUIRIES,
    request_body = BrokerInquiry,
    responses(Ends)
)]
async fn route_batch_inquiry(
    caller: Caller,
    broker: Data<Broker>,
    Body(inquiry): Body<BrokerInquiry>,
) -> Result<Json<BrokerAnswer>, ApiError> {
    route(caller, broker, (inquiry, true)).await
}

async fn route(
    caller: Caller,
    broker: Data<Broker>,
    (inquiry, is_batch): (BrokerInquiry, bool),
) -> Result<Json<BrokerAnswer>, ApiError> {
    let received = Instant::now();
    let Actor::Service { kind: ServiceKind::Partition, instance } = caller.context.actor else {
        return Err(ApiError::new(&problems::DENIED));
    };
    let attempt = Attempt::new(inquiry, instance, caller.context.request, received)?;
    let attempt = Attempt { is_batch, ..attempt };
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

/// Brings a sealed notice to the municipality it names, once it is on record.
///
/// The notice id is the idempotency key: sent again, it is logged once and received once.
#[utoipa::path(
    post,
    path = NOTICES,
    request_body = BrokerNotice,
    responses(
        (status = 200, description = "On record; the answer says how far it has come", body = NoticeRouted),
        (status = 400, description = "Not of the agreed shape", body = Problem),
        (status = 403, description = "Refused by the broker", body = Problem),
        (status = 409, description = "This id is on record with another content", body = Problem),
        (status = 422, description = "No inquiry ended so that this could follow it", body = Problem),
        (status = 429, description = "Too many at a time", body = Problem),
        (status = 503, description = "The platform is not available", body = Problem),
    )
)]
async fn route_notice(
    caller: Caller,
    broker: Data<Broker>,
    Body(notice): Body<BrokerNotice>,
) -> Result<Json<NoticeRouted>, ApiError> {
    let Actor::Service { kind: ServiceKind::Partition, instance } = caller.context.actor else {
        return Err(ApiError::new(&problems::DENIED));
    };
    let delivery = Delivery::new(notice, instance, caller.context.request)?;
    let header = &delivery.notice.header;
    let span = tracing::info_span!(
        "broker.deliver",
        notice.id = %header.notice,
        municipality.sender = %header.provider,
        municipality.recipient = %header.inquirer,
    );
    // A task of its own: what is on record is also brought, even if the caller hangs up.
    let task = async move { deliver(&broker, &delivery).await }.instrument(span);
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
