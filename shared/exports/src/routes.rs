//! The route table, and handlers that translate and call.

use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::web::{Data, Json, ServiceConfig, post};
use actix_web::{HttpRequest, HttpResponse};
use domain::Action;
use room::{Host, own_room};
use service::{ApiError, Body, Caller, Endpoint, FhirForm};
use utoipa::OpenApi;
use wire::Problem;
use wire::{exports as api, fhir};

use crate::disclose_all::disclose_all;
use crate::export::{self, Content};
use crate::search::Search;
use crate::{immunization, page};

pub static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(api::EXPORTS_SUBJECTS, Action::ExportRecords),
    Endpoint::post(api::EXPORTS_DOSES, Action::ExportRecords),
    Endpoint::post(api::DISCLOSURES_FULL, Action::DiscloseAll),
    Endpoint::post(api::DISCLOSURES_PAGE, Action::DiscloseAll),
    Endpoint::post(fhir::IMMUNIZATION_SEARCH, Action::SearchImmunizations),
];

pub fn configure(app: &mut ServiceConfig) {
    app.route(api::EXPORTS_SUBJECTS, post().to(export_subjects))
        .route(api::EXPORTS_DOSES, post().to(export_doses))
        .route(api::DISCLOSURES_FULL, post().to(disclose_everything))
        .route(api::DISCLOSURES_PAGE, post().to(disclose_page))
        .route(fhir::IMMUNIZATION_SEARCH, post().to(search_immunizations));
}

#[derive(OpenApi)]
#[openapi(paths(
    export_subjects,
    export_doses,
    disclose_everything,
    disclose_page,
    search_immunizations
))]
struct Api;

/// The OpenAPI description of these endpoints.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// Writes a page of the file of persons, without individual numbers.
#[utoipa::path(post, path = api::EXPORTS_SUBJECTS, tag = "partition", request_body = api::ExportPage,
    responses((status = 200, body = api::Exported), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn export_subjects(
    caller: Caller,
    host: Data<Host>,
    Body(page): Body<api::ExportPage>,
) -> Result<Json<api::Exported>, ApiError> {
    let permit = own_room(&caller, Action::ExportRecords)?;
    export::export(&host, permit, (Content::Subjects, page)).await.map(Json)
}

/// Writes a page of the file of doses, without individual numbers.
#[utoipa::path(post, path = api::EXPORTS_DOSES, tag = "partition", request_body = api::ExportPage,
    responses((status = 200, body = api::Exported), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn export_doses(
    caller: Caller,
    host: Data<Host>,
    Body(page): Body<api::ExportPage>,
) -> Result<Json<api::Exported>, ApiError> {
    let permit = own_room(&caller, Action::ExportRecords)?;
    export::export(&host, permit, (Content::Doses, page)).await.map(Json)
}

/// Shows everything about one person, for that person's request.
#[utoipa::path(post, path = api::DISCLOSURES_FULL, tag = "partition", request_body = api::DiscloseAll,
    responses((status = 200, body = api::FullDisclosure), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn disclose_everything(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::DiscloseAll>,
) -> Result<Json<api::FullDisclosure>, ApiError> {
    let permit = own_room(&caller, Action::DiscloseAll)?;
    disclose_all(&host, &permit, request, "data").await.map(Json)
}

/// Shows the same as a page to print.
#[utoipa::path(post, path = api::DISCLOSURES_PAGE, tag = "partition", request_body = api::DiscloseAll,
    responses((status = 200, body = String, content_type = "text/html"), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn disclose_page(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::DiscloseAll>,
) -> Result<HttpResponse, ApiError> {
    let permit = own_room(&caller, Action::DiscloseAll)?;
    let disclosure = disclose_all(&host, &permit, request, "page").await?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_SECURITY_POLICY, page::content_security_policy()))
        .body(page::render(&disclosure, permit.context())))
}

/// Finds one person's doses for the municipality's own systems, as FHIR R4.
#[utoipa::path(post, path = fhir::IMMUNIZATION_SEARCH, tag = "partition",
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
        description = "patient.identifier=system|number, date, _count"),
    responses((status = 200, body = fhir::Bundle, content_type = "application/fhir+json"),
        (status = "4XX", body = fhir::OperationOutcome, content_type = "application/fhir+json"),
        (status = "5XX", body = fhir::OperationOutcome, content_type = "application/fhir+json")))]
async fn search_immunizations(
    caller: Caller,
    host: Data<Host>,
    http: HttpRequest,
    form: FhirForm,
) -> Result<HttpResponse, ApiError> {
    let found = async {
        let permit = own_room(&caller, Action::SearchImmunizations)?;
        let search = Search::read(&form, permit.municipality(), is_lenient(&http))?;
        immunization::search(&host, permit, search).await
    };
    let bundle = found.await.map_err(ApiError::in_fhir)?;
    Ok(HttpResponse::Ok().content_type(fhir::FHIR_JSON).json(bundle))
}

/// `Prefer: handling=lenient`.
fn is_lenient(request: &HttpRequest) -> bool {
    let prefer = request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
    let mut wishes = prefer.flat_map(|value| value.split([',', ';']));
    wishes.any(|wish| wish.trim().eq_ignore_ascii_case("handling=lenient"))
}
