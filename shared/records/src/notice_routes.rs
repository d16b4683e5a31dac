//! The routes of notices and held inquiries.

use actix_web::web::{Data, Json, ServiceConfig, post};
use domain::Action;
use room::{Host, own_room};
use service::{ApiError, Body, Caller, Endpoint};
use utoipa::OpenApi;
use wire::Problem;
use wire::notices as api;

use crate::{notices_adopt, notices_read, notices_receive, release};

pub static NOTICE_ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(api::NOTICES_RECEIVE, Action::ReceiveNotice),
    Endpoint::post(api::NOTICES_LIST, Action::ReadNotices),
    Endpoint::post(api::NOTICES_SENT, Action::ReadNotices),
    Endpoint::post(api::NOTICES_ADOPT, Action::AdoptRecords),
    Endpoint::post(api::HELD_LIST, Action::ReviewHeld),
    Endpoint::post(api::HELD_SHOW, Action::ReviewHeld),
    Endpoint::post(api::HELD_RELEASE, Action::ReleaseHeld),
    Endpoint::post(api::HELD_REFUSE, Action::ReleaseHeld),
];

pub(crate) fn configure(app: &mut ServiceConfig) {
    app.route(api::NOTICES_RECEIVE, post().to(receive_notice))
        .route(api::NOTICES_LIST, post().to(list_notices))
        .route(api::NOTICES_SENT, post().to(list_sent_notices))
        .route(api::NOTICES_ADOPT, post().to(adopt_notice))
        .route(api::HELD_LIST, post().to(list_held))
        .route(api::HELD_SHOW, post().to(show_held))
        .route(api::HELD_RELEASE, post().to(release_held))
        .route(api::HELD_REFUSE, post().to(refuse_held));
}

#[derive(OpenApi)]
#[openapi(paths(
    receive_notice,
    list_notices,
    list_sent_notices,
    adopt_notice,
    list_held,
    show_held,
    release_held,
    refuse_held
))]
pub(crate) struct Api;

/// Takes in another municipality's notice; called by the broker only.
#[utoipa::path(post, path = api::NOTICES_RECEIVE, tag = "partition", request_body = api::ReceiveNotice,
    responses((status = 200, body = api::NoticeReceived), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn receive_notice(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ReceiveNotice>,
) -> Result<Json<api::NoticeReceived>, ApiError> {
    notices_receive::receive(&host, &caller.context, request).await.map(Json)
}

/// Lists corrections and released records of other municipalities, with what adopting them would do.
#[utoipa::path(post, path = api::NOTICES_LIST, tag = "partition", request_body = api::ListNotices,
    responses((status = 200, body = api::Notices), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn list_notices(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ListNotices>,
) -> Result<Json<api::Notices>, ApiError> {
    let permit = own_room(&caller, Action::ReadNotices)?;
    notices_read::list(&host, permit, request).await.map(Json)
}

/// Lists the own corrections and releases that other municipalities are told of, and how far they
/// have come.
#[utoipa::path(post, path = api::NOTICES_SENT, tag = "partition", request_body = api::ListNotices,
    responses((status = 200, body = api::SentNotices), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn list_sent_notices(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ListNotices>,
) -> Result<Json<api::SentNotices>, ApiError> {
    let permit = own_room(&caller, Action::ReadNotices)?;
    notices_read::list_sent(&host, permit, request).await.map(Json)
}

/// Adopts a notice into the caller's own register, or closes it.
#[utoipa::path(post, path = api::NOTICES_ADOPT, tag = "partition", request_body = api::AdoptNotice,
    responses((status = 200, body = api::NoticeAdopted), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn adopt_notice(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::AdoptNotice>,
) -> Result<Json<api::NoticeAdopted>, ApiError> {
    let permit = own_room(&caller, Action::AdoptRecords)?;
    notices_adopt::adopt(&host, permit, request).await.map(Json)
}

/// Lists inquiries about withheld persons.
#[utoipa::path(post, path = api::HELD_LIST, tag = "partition", request_body = api::ListHeld,
    responses((status = 200, body = api::HeldInquiries), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn list_held(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ListHeld>,
) -> Result<Json<api::HeldInquiries>, ApiError> {
    let permit = own_room(&caller, Action::ReviewHeld)?;
    release::list(&host, permit, request).await.map(Json)
}

/// Shows exactly the bytes that would be released.
#[utoipa::path(post, path = api::HELD_SHOW, tag = "partition", request_body = api::NameHeld,
    responses((status = 200, body = api::HeldContent), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn show_held(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::NameHeld>,
) -> Result<Json<api::HeldContent>, ApiError> {
    let permit = own_room(&caller, Action::ReviewHeld)?;
    release::show(&host, permit, request).await.map(Json)
}

/// Proposes the release of exactly the bytes shown, or confirms it as the second person.
#[utoipa::path(post, path = api::HELD_RELEASE, tag = "partition", request_body = api::ReleaseHeld,
    responses((status = 200, body = api::HeldDecided), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn release_held(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::ReleaseHeld>,
) -> Result<Json<api::HeldDecided>, ApiError> {
    let permit = own_room(&caller, Action::ReleaseHeld)?;
    release::release(&host, permit, request).await.map(Json)
}

/// Refuses to release; the inquiry stays answered with nothing.
#[utoipa::path(post, path = api::HELD_REFUSE, tag = "partition", request_body = api::NameHeld,
    responses((status = 200, body = api::HeldDecided), (status = "4XX", body = Problem), (status = "5XX", body = Problem)))]
async fn refuse_held(
    caller: Caller,
    host: Data<Host>,
    Body(request): Body<api::NameHeld>,
) -> Result<Json<api::HeldDecided>, ApiError> {
    let permit = own_room(&caller, Action::ReleaseHeld)?;
    release::refuse(&host, permit, request).await.map(Json)
}
