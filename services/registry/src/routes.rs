//! What the registry offers.  A handler translates and calls; it decides nothing.

use actix_web::http::header::{ETAG, IF_NONE_MATCH};
use actix_web::web::{Bytes, Data, Json, ServiceConfig, get, post};
use actix_web::{HttpRequest, HttpResponse};
use domain::Action;
use serde::Serialize;
use service::{ApiError, Body, Caller, Endpoint, health};
use utoipa::{OpenApi, ToSchema};
use wire::Problem;
use wire::registry::{
    self as paths, AccessLog, ListAccess, LogInAnswer, LogInRequest, PublishKeys,
    RegisterMunicipality, RegisterOperator, RegisterTerminal, RevokeTerminal, Signed,
    SuspendOperator,
};

use crate::{
    Registry, list_access, log_in, log_out, publish_keys, register_municipality, register_operator,
    register_terminal, revoke_terminal, suspend_operator,
};

const OWN: [Endpoint; 11] = [
    Endpoint::post(paths::LOG_IN, Action::LogIn),
    Endpoint::post(paths::LOG_OUT, Action::LogOut),
    Endpoint::get(paths::DIRECTORY, Action::ReadDirectory),
    Endpoint::get(paths::REVOCATIONS, Action::ReadRevocations),
    Endpoint::post(paths::MUNICIPALITIES, Action::RegisterMunicipality),
    Endpoint::post(paths::KEYS, Action::PublishKeys),
    Endpoint::post(paths::TERMINALS, Action::RegisterTerminal),
    Endpoint::post(paths::TERMINALS_REVOKE, Action::RevokeTerminal),
    Endpoint::post(paths::OPERATORS, Action::RegisterOperator),
    Endpoint::post(paths::OPERATORS_SUSPEND, Action::SuspendOperator),
    Endpoint::post(paths::ACCESS_LOG_LIST, Action::ReadAccessLog),
];

const ALL: [Endpoint; 14] = {
    let [a, b, c, d, e, f, g, h, i, j, k] = OWN;
    let [live, ready, metrics] = health::ENDPOINTS;
    [a, b, c, d, e, f, g, h, i, j, k, live, ready, metrics]
};

/// Everything the registry answers; what is not here is refused at the gate.
pub static ENDPOINTS: &[Endpoint] = &ALL;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .route(paths::LOG_IN, post().to(begin_session))
        .route(paths::LOG_OUT, post().to(end_session))
        .route(paths::DIRECTORY, get().to(read_directory))
        .route(paths::REVOCATIONS, get().to(read_revocations))
        .route(paths::MUNICIPALITIES, post().to(add_municipality))
        .route(paths::KEYS, post().to(add_keys))
        .route(paths::TERMINALS, post().to(add_terminal))
        .route(paths::TERMINALS_REVOKE, post().to(end_terminal))
        .route(paths::OPERATORS, post().to(add_operator))
        .route(paths::OPERATORS_SUSPEND, post().to(end_operator))
        .route(paths::ACCESS_LOG_LIST, post().to(read_access_log));
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Watari registry", description = "Who takes part, and who may log in."),
    paths(
        begin_session,
        end_session,
        read_directory,
        read_revocations,
        add_municipality,
        add_keys,
        add_terminal,
        end_terminal,
        add_operator,
        end_operator,
        read_access_log
    )
)]
struct Api;

/// The interface as OpenAPI 3.1.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// It is so now; sent again, the answer is the same.
#[derive(Serialize, ToSchema)]
struct Done {}

type Changed = Result<Json<Done>, ApiError>;
type Document = Result<HttpResponse, ApiError>;

fn done((): ()) -> Json<Done> {
    Json(Done {})
}

fn signed(text: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(text)
}

/// Log in, at a registered terminal.
#[utoipa::path(post, path = paths::LOG_IN, request_body = LogInRequest, responses(
    (status = 200, body = LogInAnswer),
    (status = 401, body = Problem, description = "Refused, whatever the reason."),
    (status = 429, body = Problem, description = "Too many failures; wait as Retry-After says."),
    (status = 503, body = Problem)))]
async fn begin_session(
    caller: Caller,
    registry: Data<Registry>,
    Body(request): Body<LogInRequest>,
) -> Result<Json<LogInAnswer>, ApiError> {
    log_in::log_in(&registry, &caller, request).await.map(Json)
}

/// End the session of the token.
#[utoipa::path(post, path = paths::LOG_OUT, responses(
    (status = 200, body = Done), (status = 401, body = Problem)))]
async fn end_session(caller: Caller, registry: Data<Registry>) -> Changed {
    log_out::log_out(&registry, &caller).await.map(done)
}

/// Who takes part, signed; for services.
///
/// A national directory is several megabytes: whoever has this very one gets 304 and no body.
#[utoipa::path(get, path = paths::DIRECTORY, responses(
    (status = 200, body = Signed), (status = 304, description = "Unchanged since If-None-Match."),
    (status = 503, body = Problem)))]
async fn read_directory(request: HttpRequest, registry: Data<Registry>) -> Document {
    let (tag, text) = registry.published.directory().await?;
    let known = request.headers().get(IF_NONE_MATCH);
    if known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok(HttpResponse::NotModified().insert_header((ETAG, tag)).finish());
    }
    let mut answer = HttpResponse::Ok();
    Ok(answer.insert_header((ETAG, tag)).content_type("application/json").body(text))
}

/// What no longer counts, signed; for services.
#[utoipa::path(get, path = paths::REVOCATIONS, responses(
    (status = 200, body = Signed), (status = 503, body = Problem)))]
async fn read_revocations(registry: Data<Registry>) -> Document {
    registry.published.revocations().await.map(signed)
}

/// Let a municipality take part, or move its room to another host.
#[utoipa::path(post, path = paths::MUNICIPALITIES, request_body = RegisterMunicipality, responses(
    (status = 200, body = Done), (status = 400, body = Problem), (status = 403, body = Problem)))]
async fn add_municipality(
    caller: Caller,
    registry: Data<Registry>,
    Body(request): Body<RegisterMunicipality>,
) -> Changed {
    register_municipality::register_municipality(&registry, &caller, request).await.map(done)
}

/// Publish a room's public keys; for the room's host.
#[utoipa::path(post, path = paths::KEYS, request_body = PublishKeys, responses(
    (status = 200, body = Done), (status = 400, body = Problem), (status = 403, body = Problem),
    (status = 409, body = Problem)))]
async fn add_keys(
    caller: Caller,
    registry: Data<Registry>,
    Body(request): Body<PublishKeys>,
) -> Changed {
    publish_keys::publish_keys(&registry, &caller, request).await.map(done)
}

/// Register a terminal by its certificate.
#[utoipa::path(post, path = paths::TERMINALS, request_body = RegisterTerminal, responses(
    (status = 200, body = Done), (status = 400, body = Problem), (status = 403, body = Problem),
    (status = 409, body = Problem)))]
async fn add_terminal(
    caller: Caller,
    registry: Data<Registry>,
    Body(request): Body<RegisterTerminal>,
) -> Changed {
    register_terminal::register_terminal(&registry, &caller, request).await.map(done)
}

/// Revoke a terminal.
#[utoipa::path(post, path = paths::TERMINALS_REVOKE, request_body = RevokeTerminal, responses(
    (status = 200, body = Done), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn end_terminal(
    caller: Caller,
    registry: Data<Registry>,
    Body(request): Body<RevokeTerminal>,
) -> Changed {
    revoke_terminal::revoke_terminal(&registry, &caller, request).await.map(done)
}

/// Register a person.
#[utoipa::path(post, path = paths::OPERATORS, request_body = RegisterOperator, responses(
    (status = 200, body = Done), (status = 400, body = Problem), (status = 403, body = Problem),
    (status = 409, body = Problem)))]
async fn add_operator(
    caller: Caller,
    registry: Data<Registry>,
    Body(request): Body<RegisterOperator>,
) -> Changed {
    register_operator::register_operator(&registry, &caller, request).await.map(done)
}

/// Suspend a person.
#[utoipa::path(post, path = paths::OPERATORS_SUSPEND, request_body = SuspendOperator, responses(
    (status = 200, body = Done), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn end_operator(
    caller: Caller,
    registry: Data<Registry>,
    Body(request): Body<SuspendOperator>,
) -> Changed {
    suspend_operator::suspend_operator(&registry, &caller, request).await.map(done)
}

/// Read who logged in and who registered whom.
#[utoipa::path(post, path = paths::ACCESS_LOG_LIST, request_body = ListAccess, responses(
    (status = 200, body = AccessLog), (status = 403, body = Problem), (status = 503, body = Problem)))]
async fn read_access_log(
    caller: Caller,
    registry: Data<Registry>,
    Body(request): Body<ListAccess>,
) -> Result<Json<AccessLog>, ApiError> {
    list_access::list_access(&registry, &caller, request).await.map(Json)
}
