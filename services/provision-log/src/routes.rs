//! The endpoints and their handlers; the gate has let the caller in before any of these runs.

use actix_web::http::header::ContentType;
use actix_web::web::{Data, Json, ServiceConfig, get, post};
use actix_web::{HttpRequest, HttpResponse};
use domain::Action;
use service::{ApiError, Body, Caller, Endpoint, Participants, health};
use utoipa::OpenApi;
use wire::Problem;
use wire::provision_log::{
    CHECKPOINT, CONSISTENCY, COSIGNATURES, Cosignatures, ENTRIES, Entry, FindOutcomes,
    FoundOutcomes, INCLUSION, ListOutcomes, OBJECTIONS, ORDERS, OUTCOMES_FIND, OUTCOMES_LIST,
    Objection, ObjectionHeard, Outcomes, Proof, ProveConsistency, ProveInclusion, Receipt,
    SignedOrder, TILE, WITNESS_CHECKPOINT,
};

use crate::log::Log;

pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(ENTRIES, Action::AppendOutcome),
    Endpoint::post(ORDERS, Action::SubmitOrder),
    Endpoint::post(OUTCOMES_LIST, Action::ReadOutcomes),
    Endpoint::post(OUTCOMES_FIND, Action::ReadOutcomes),
    Endpoint::get(WITNESS_CHECKPOINT, Action::ReadCheckpoint),
    Endpoint::post(COSIGNATURES, Action::WitnessLog),
    Endpoint::post(OBJECTIONS, Action::WitnessLog),
    Endpoint::get(CHECKPOINT, Action::ReadCheckpoint),
    Endpoint::get(TILE, Action::ReadCheckpoint),
    Endpoint::post(INCLUSION, Action::ReadCheckpoint),
    Endpoint::post(CONSISTENCY, Action::ReadCheckpoint),
    health::LIVE,
    health::READY,
    health::METRICS,
];

pub(crate) fn configure(
    log: Log,
    participants: Participants,
) -> impl Fn(&mut ServiceConfig) + Clone {
    let (log, participants) = (Data::new(log), Data::new(participants));
    move |config| {
        config
            .app_data(log.clone())
            .app_data(participants.clone())
            .route(ENTRIES, post().to(append))
            .route(ORDERS, post().to(order))
            .route(OUTCOMES_LIST, post().to(list_outcomes))
            .route(OUTCOMES_FIND, post().to(find_outcomes))
            .route(WITNESS_CHECKPOINT, get().to(witness_checkpoint))
            .route(COSIGNATURES, post().to(cosign))
            .route(OBJECTIONS, post().to(object))
            .route(CHECKPOINT, get().to(checkpoint))
            .route(TILE, get().to(tile))
            .route(INCLUSION, post().to(prove_inclusion))
            .route(CONSISTENCY, post().to(prove_consistency));
    }
}

/// The API description (OpenAPI 3.1).
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Watari provision log"),
    paths(
        append,
        order,
        list_outcomes,
        find_outcomes,
        witness_checkpoint,
        cosign,
        object,
        checkpoint,
        tile,
        prove_inclusion,
        prove_consistency
    )
)]
struct Api;

/// Append an outcome; answered only once it is durable.
#[utoipa::path(
    post,
    path = ENTRIES,
    request_body = Entry,
    responses(
        (status = 200, description = "Durable, with its proof", body = Receipt),
        (status = 409, description = "Settled otherwise, or the permit was used", body = Problem),
        (status = 503, description = "Nothing was kept, or it is not known", body = Problem),
    )
)]
async fn append(log: Data<Log>, body: Body<Entry>) -> Result<Json<Receipt>, ApiError> {
    log.append(body.0).await.map(Json)
}

/// Take in an order of the custodians: a hold, the lifting of one, or a destruction slip.
#[utoipa::path(
    post,
    path = ORDERS,
    request_body = SignedOrder,
    responses(
        (status = 200, description = "Durable; it counts from its own entry on", body = Receipt),
        (status = 422, description = "Not lawful", body = Problem),
        (status = 503, description = "Nothing was kept, or it is not known", body = Problem),
    )
)]
async fn order(log: Data<Log>, body: Body<SignedOrder>) -> Result<Json<Receipt>, ApiError> {
    log.order(body.0).await.map(Json)
}

/// List a municipality's own outcomes; for the partition that hosts it.
#[utoipa::path(
    post,
    path = OUTCOMES_LIST,
    request_body = ListOutcomes,
    responses(
        (status = 200, description = "In the log's order", body = Outcomes),
        (status = 403, description = "Hosted elsewhere", body = Problem),
    )
)]
async fn list_outcomes(
    log: Data<Log>,
    participants: Data<Participants>,
    caller: Caller,
    body: Body<ListOutcomes>,
) -> Result<Json<Outcomes>, ApiError> {
    log.list_outcomes(&caller.context, &participants, body.0).await.map(Json)
}

/// Find how a municipality's own inquiries were settled, with proofs.
#[utoipa::path(
    post,
    path = OUTCOMES_FIND,
    request_body = FindOutcomes,
    responses(
        (status = 200, description = "What is settled, in the log's order", body = FoundOutcomes),
        (status = 403, description = "Hosted elsewhere", body = Problem),
    )
)]
async fn find_outcomes(
    log: Data<Log>,
    participants: Data<Participants>,
    caller: Caller,
    body: Body<FindOutcomes>,
) -> Result<Json<FoundOutcomes>, ApiError> {
    log.find_outcomes(&caller.context, &participants, body.0).await.map(Json)
}

/// The checkpoint that witnesses cosign now, with their cosignatures so far.
#[utoipa::path(
    get,
    path = WITNESS_CHECKPOINT,
    responses((status = 200, description = "Signed note", body = String, content_type = "text/plain"))
)]
async fn witness_checkpoint(log: Data<Log>) -> HttpResponse {
    HttpResponse::Ok().insert_header(ContentType::plaintext()).body(log.witness_checkpoint())
}

/// Cosign a checkpoint, in the names of rooms that the caller hosts.
#[utoipa::path(
    post,
    path = COSIGNATURES,
    request_body = Cosignatures,
    responses(
        (status = 200, description = "Added to the round"),
        (status = 403, description = "A room is hosted elsewhere", body = Problem),
        (status = 409, description = "Another checkpoint is being cosigned", body = Problem),
    )
)]
async fn cosign(
    log: Data<Log>,
    participants: Data<Participants>,
    caller: Caller,
    body: Body<Cosignatures>,
) -> Result<Json<()>, ApiError> {
    log.cosign(&caller.context, &participants, body.0).await.map(Json)
}

/// Object: the log signed what it does not continue.  If that is so, the log stops.
#[utoipa::path(
    post,
    path = OBJECTIONS,
    request_body = Objection,
    responses(
        (status = 200, description = "Whether the log has stopped", body = ObjectionHeard),
        (status = 403, description = "Hosted elsewhere", body = Problem),
    )
)]
async fn object(
    log: Data<Log>,
    participants: Data<Participants>,
    caller: Caller,
    body: Body<Objection>,
) -> Result<Json<ObjectionHeard>, ApiError> {
    log.object(&caller.context, &participants, body.0).await.map(Json)
}

/// The newest checkpoint, a signed note (c2sp.org/tlog-checkpoint).
#[utoipa::path(
    get,
    path = CHECKPOINT,
    responses((status = 200, description = "Signed note", body = String, content_type = "text/plain"))
)]
async fn checkpoint(log: Data<Log>) -> HttpResponse {
    HttpResponse::Ok().insert_header(ContentType::plaintext()).body(log.checkpoint())
}

/// A tile of the Merkle tree (c2sp.org/tlog-tiles), up to 256 hashes of 32 bytes.
#[utoipa::path(
    get,
    path = "/tile/{level}/{path}",
    params(
        ("level" = u8, Path, description = "0 for leaf hashes"),
        ("path" = String, Path, description = "The tile's index, and its width if it is partial"),
    ),
    responses(
        (status = 200, description = "Hashes", body = [u8], content_type = "application/octet-stream"),
        (status = 404, description = "The log has no such tile", body = Problem),
    )
)]
async fn tile(log: Data<Log>, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let hashes = log.tile(request.path().trim_start_matches('/')).await?;
    Ok(HttpResponse::Ok().insert_header(ContentType::octet_stream()).body(hashes))
}

/// Prove that an entry is in the log.
#[utoipa::path(
    post,
    path = INCLUSION,
    request_body = ProveInclusion,
    responses(
        (status = 200, description = "From the leaf upwards", body = Proof),
        (status = 400, description = "The log is not that long", body = Problem),
    )
)]
async fn prove_inclusion(
    log: Data<Log>,
    body: Body<ProveInclusion>,
) -> Result<Json<Proof>, ApiError> {
    log.prove_inclusion(body.0).await.map(Json)
}

/// Prove that the log only grew between two sizes.
#[utoipa::path(
    post,
    path = CONSISTENCY,
    request_body = ProveConsistency,
    responses(
        (status = 200, description = "From the old edge upwards", body = Proof),
        (status = 400, description = "The log is not that long", body = Problem),
    )
)]
async fn prove_consistency(
    log: Data<Log>,
    body: Body<ProveConsistency>,
) -> Result<Json<Proof>, ApiError> {
    log.prove_consistency(body.0).await.map(Json)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_description_names_exactly_the_endpoints() {
        let described = serde_json::to_value(openapi()).unwrap();
        let described: BTreeSet<String> = described["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                let methods = methods.as_object().unwrap();
                methods.keys().map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        let own = ENDPOINTS.iter().filter(|one| !health::ENDPOINTS.contains(one));
        let routed: BTreeSet<String> = own
            .map(|one| format!("{} {}", one.method.as_str(), one.path.replace(":.*", "")))
            .collect();
        assert_eq!(described, routed);
    }
}
