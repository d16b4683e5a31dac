//! The route table, and handlers that translate and call.

use actix_web::http::header::ETAG;
use actix_web::web::{Data, Json, ServiceConfig, post};
use actix_web::{CustomizeResponder, Responder as _};
use domain::Action;
use room::{Host, own_room};
use service::{ApiError, Body, Caller, Endpoint};
use utoipa::OpenApi;
use wire::Problem;
use wire::pmh::{
    FoundVaccinations, PMH_VACCINATIONS, PMH_VACCINATIONS_SEARCH, SearchVaccinations,
    SendVaccinations, VaccinationsSent,
};
use wire::records as api;

use crate::tag::IfMatch;
use crate::{adopt, completeness, correct, flag, notice_routes, pmh, read};

pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(api::RECORDS_FIND, Action::ReadRecords),
    Endpoint::post(api::RECORDS_HISTORY, Action::ReadRecords),
    Endpoint::post(api::VACCINATIONS_CORRECT, Action::CorrectVaccination),
    Endpoint::post(api::VACCINATIONS_WITHDRAW, Action::CorrectVaccination),
    Endpoint::post(api::SUBJECTS_FLAG, Action::FlagSubject),
    Endpoint::post(api::ADOPTIONS, Action::AdoptRecords),
    Endpoint::post(api::COMPLETENESS, Action::StateCompleteness),
    Endpoint::post(api::COMPLETENESS_READ, Action::ReadRecords),
    Endpoint::post(PMH_VACCINATIONS, Action::CorrectVaccination),
    Endpoint::post(PMH_VACCINATIONS_SEARCH, Action::SearchImmunizations),
];

pub fn configure(app: &mut ServiceConfig) {
    app.route(api::RECORDS_FIND, post().to(find_records))
        .route(api::RECORDS_HISTORY, post().to(read_history))
        .route(api::VACCINATIONS_CORRECT, post().to(correct_vaccination))
        .route(api::VACCINATIONS_WITHDRAW, post().to(withdraw_vaccination))
        .route(api::SUBJECTS_FLAG, post().to(flag_subject))
        .route(api::ADOPTIONS, post().to(adopt_doses))
        .route(api::COMPLETENESS, post().to(state_completeness))
        .route(api::COMPLETENESS_READ, post().to(read_completeness))
        .route(PMH_VACCINATIONS, post().to(send_vaccinations))
        .route(PMH_VACCINATIONS_SEARCH, post().to(search_vaccinations))
        .configure(notice_routes::configure);
}

#[derive(OpenApi)]
#[openapi(paths(
    find_records,
    read_history,
    correct_vaccination,
    withdraw_vaccination,
    flag_subject,
    adopt_doses,
    state_completeness,
    read_completeness,
    send_vaccinations,
    search_vaccinations
))]
struct Api;

/// The OpenAPI description of these endpoints.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut api = Api::openapi();
    api.merge(notice_routes::Api::openapi());
    api
}

/// An answer with the tag of the version that counts now.
type Tagged<T> = CustomizeResponder<Json<T>>;

fn tagged<T: serde::Serialize>(answer: T, etag: String) -> Tagged<T> {
    Json(answer).customize().insert_header((ETAG, etag))
}

/// Shows a person's entry and doses, as they count now.
#[utoipa::path(post, path = api::RECORDS_FIND, tag = "partition", request_body = api::FindRecords,
    responses((status = 200, body = api::PersonRecords), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn find_records(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::FindRecords>,
) -> Result<Json<api::PersonRecords>, ApiError> {
    let permit = own_room(&caller, Action::ReadRecords)?;
    read::find(&host, permit, request).await.map(Json)
}

/// Shows every version of a person's entry and doses: who, when, from where, why.
#[utoipa::path(post, path = api::RECORDS_HISTORY, tag = "partition", request_body = api::ReadHistory,
    responses((status = 200, body = api::History), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_history(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ReadHistory>,
) -> Result<Json<api::History>, ApiError> {
    let permit = own_room(&caller, Action::ReadRecords)?;
    read::history(&host, permit, request).await.map(Json)
}

/// Corrects a dose, or brings a withdrawn one back into force, as a new version.
#[utoipa::path(post, path = api::VACCINATIONS_CORRECT, tag = "partition", request_body = api::CorrectVaccination,
    params(("If-Match" = String, Header, description = "Tag of the version that was read")),
    responses((status = 200, body = api::VaccinationChanged, headers(("ETag" = String))), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn correct_vaccination(
    caller: Caller,
    host: Data<Host>,
    IfMatch(tag): IfMatch,
    Body(request): Body<api::CorrectVaccination>,
) -> Result<Tagged<api::VaccinationChanged>, ApiError> {
    let permit = own_room(&caller, Action::CorrectVaccination)?;
    let changed = correct::correct(&host, permit, tag?, request).await?;
    let etag = changed.etag.clone();
    Ok(tagged(changed, etag))
}

/// Takes a dose back, as a new version.
#[utoipa::path(post, path = api::VACCINATIONS_WITHDRAW, tag = "partition", request_body = api::WithdrawVaccination,
    params(("If-Match" = String, Header, description = "Tag of the version that was read")),
    responses((status = 200, body = api::VaccinationChanged, headers(("ETag" = String))), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn withdraw_vaccination(
    caller: Caller,
    host: Data<Host>,
    IfMatch(tag): IfMatch,
    Body(request): Body<api::WithdrawVaccination>,
) -> Result<Tagged<api::VaccinationChanged>, ApiError> {
    let permit = own_room(&caller, Action::CorrectVaccination)?;
    let changed = correct::withdraw(&host, permit, tag?, request).await?;
    let etag = changed.etag.clone();
    Ok(tagged(changed, etag))
}

/// Sets or lifts a person's flags, as a new version of the entry.
#[utoipa::path(post, path = api::SUBJECTS_FLAG, tag = "partition", request_body = api::FlagSubject,
    params(("If-Match" = String, Header, description = "Tag of the version that was read")),
    responses((status = 200, body = api::SubjectFlagged, headers(("ETag" = String))), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn flag_subject(
    caller: Caller,
    host: Data<Host>,
    IfMatch(tag): IfMatch,
    Body(request): Body<api::FlagSubject>,
) -> Result<Tagged<api::SubjectFlagged>, ApiError> {
    let permit = own_room(&caller, Action::FlagSubject)?;
    if request.stopped.is_some() || request.withheld.is_some() {
        // Whether inquiries are answered is not for everybody who notes a move.
        own_room(&caller, Action::WithholdSubject)?.expect_action(Action::WithholdSubject)?;
    }
    let flagged = flag::flag(&host, permit, tag?, request).await?;
    let etag = flagged.etag.clone();
    Ok(tagged(flagged, etag))
}

/// Takes received doses into the own register; what contradicts it is shown, not written.
#[utoipa::path(post, path = api::ADOPTIONS, tag = "partition", request_body = api::AdoptDoses,
    responses((status = 200, body = api::Adoption), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn adopt_doses(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::AdoptDoses>,
) -> Result<Json<api::Adoption>, ApiError> {
    let permit = own_room(&caller, Action::AdoptRecords)?;
    adopt::adopt(&host, permit, request).await.map(Json)
}

/// States from when until when the own records are complete, or takes that back.
#[utoipa::path(post, path = api::COMPLETENESS, tag = "partition", request_body = api::StateCompleteness,
    responses((status = 200, body = api::Statement), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn state_completeness(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::StateCompleteness>,
) -> Result<Json<api::Statement>, ApiError> {
    let permit = own_room(&caller, Action::StateCompleteness)?;
    completeness::state(&host, permit, request).await.map(Json)
}

/// Shows what was stated about the own records' completeness.
#[utoipa::path(post, path = api::COMPLETENESS_READ, tag = "partition", request_body = api::ReadCompleteness,
    responses((status = 200, body = api::Statements), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn read_completeness(
    caller: Caller,
    host: Data<Host>,
    _request: Body<api::ReadCompleteness>,
) -> Result<Json<api::Statements>, ApiError> {
    let permit = own_room(&caller, Action::ReadRecords)?;
    completeness::read(&host, permit).await.map(Json)
}

/// Registers, updates and deletes doses for a system of the municipality; each item ends by itself.
#[utoipa::path(post, path = PMH_VACCINATIONS, tag = "partition", request_body = SendVaccinations,
    responses((status = 200, body = VaccinationsSent), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn send_vaccinations(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<SendVaccinations>,
) -> Result<Json<VaccinationsSent>, ApiError> {
    let permit = own_room(&caller, Action::CorrectVaccination)?;
    pmh::send(&host, permit, request).await.map(Json)
}

/// Shows a system of the municipality one person's doses, with the keys that a change must name.
#[utoipa::path(post, path = PMH_VACCINATIONS_SEARCH, tag = "partition", request_body = SearchVaccinations,
    responses((status = 200, body = FoundVaccinations), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn search_vaccinations(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<SearchVaccinations>,
) -> Result<Json<FoundVaccinations>, ApiError> {
    let permit = own_room(&caller, Action::SearchImmunizations)?;
    pmh::search(&host, permit, request).await.map(Json)
}
