//! The gate in front of every handler: who is calling, and may they do this?
//!
//! Deny by default: a route that is not in the service's table, a caller that is not in the policy,
//! a token that does not verify, a view of the participants that is too old — all stop here.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::ErrorInternalServerError;
use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest, HttpResponse};
use domain::policy::{may, needs_log_in};
use domain::{Action, Actor, Clock, OpContext, RequestId, Role};
use time::OffsetDateTime;
use tracing::Instrument as _;
use wire::client::REQUEST_ID_HEADER;
use wire::identity::{Certificate, PeerIdentity};
use wire::tls::Trust;

use crate::lines::Line;
use crate::metrics::{Metrics, RequestLabels};
use crate::participants::{is_revoked, is_terminal_revoked, now_unix_s};
use crate::{ApiError, Ended, Endpoint, Participants, Recorder, problems, telemetry, token};

/// What the gate knows of a service.
pub struct Gate {
    pub service: &'static str,
    pub endpoints: &'static [Endpoint],
    pub participants: Participants,
    pub trust: Arc<Trust>,
    pub clock: Arc<dyn Clock>,
    pub metrics: Metrics,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gate({})", self.service)
    }
}

/// The other end of a connection, read once from its certificate.
#[derive(Clone, Debug)]
pub struct Peer {
    pub certificate: Certificate,
    /// SHA-256 of the certificate.
    pub thumbprint: [u8; 32],
}

/// Who is calling, for handlers: exists only behind the gate.
#[derive(Clone, Debug)]
pub struct Caller {
    pub context: OpContext,
    /// The token's session, for log-out.
    pub session: Option<Session>,
    pub peer: Peer,
}

#[derive(Clone, Debug)]
pub struct Session {
    pub id: String,
    pub expires_at_unix_s: i64,
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or(ApiError::new(&problems::UNAUTHENTICATED)))
    }
}

/// The middleware itself.
pub(crate) async fn pass(
    gate: Data<Gate>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let begun = Instant::now();
    let line = request.conn_data::<Arc<Line>>().cloned();
    line.iter().for_each(|line| line.work());
    let request_id = request_id(&request);
    let endpoint = find_endpoint(&gate, &request);
    let route = endpoint.map_or("(none)", |endpoint| endpoint.path);
    let headers = is_service(&request).then(|| request.headers());
    let span = telemetry::request_span(gate.service, route, &request_id, headers);
    let serving = serve(gate.clone(), endpoint, request, request_id, next).instrument(span.clone());
    // A task of its own: what was begun ends, and its end is recorded, also if the caller leaves.
    let answer = actix_web::rt::spawn(serving).await.map_err(ErrorInternalServerError);
    line.iter().for_each(|line| line.rest());
    let answer = answer??;
    let status = answer.status().as_u16();
    span.record("http.response.status_code", status);
    let labels = RequestLabels { service: gate.service, route, status };
    gate.metrics.observe(labels, begun.elapsed().as_secs_f64());
    Ok(answer)
}

async fn serve(
    gate: Data<Gate>,
    endpoint: Option<&'static Endpoint>,
    request: ServiceRequest,
    request_id: RequestId,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let at = gate.clock.now();
    let recorder = request.app_data::<Data<Recorder>>().cloned();
    let admitted = admit(&gate, endpoint, &request, (&request_id, at));
    let (actor, context, answer) = match admitted {
        Ok(caller) => {
            let context = caller.context.clone();
            request.extensions_mut().insert(caller);
            let answer = next.call(request).await?.map_into_boxed_body();
            (Some(context.actor.clone()), Some(context), answer)
        }
        Err(refused) => (refused.actor, None, request.error_response(refused.error)),
    };
    let error = answer.response().error().and_then(|error| error.as_error::<ApiError>());
    let code = error.map_or(problems::INTERNAL.code, |error| error.kind().code);
    let is_problem = answer.status().is_client_error() || answer.status().is_server_error();
    let problem = is_problem.then_some(code);
    let action = endpoint.map(|endpoint| endpoint.action);
    let ended = Ended { actor, action, request: request_id.clone(), at, problem };
    let instead = match recorder {
        Some(recorder) => recorder.record((ended, context.as_ref()), error).await,
        None => None,
    };
    let instead = instead.or_else(|| error.map(|error| error.respond(request_id.as_str())));
    Ok(finish(answer, instead, &request_id))
}

/// An error of a handler gets the request's id; every answer forbids being stored.
fn finish(
    answer: ServiceResponse<BoxBody>,
    instead: Option<HttpResponse>,
    request_id: &RequestId,
) -> ServiceResponse<BoxBody> {
    let mut answer = match instead {
        Some(instead) => answer.into_response(instead),
        None => answer,
    };
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::from_str(request_id.as_str()) {
        headers.insert(HeaderName::from_static(REQUEST_ID_HEADER), id);
    }
    answer
}

fn request_id(request: &ServiceRequest) -> RequestId {
    let sent = request.headers().get(REQUEST_ID_HEADER).and_then(|value| value.to_str().ok());
    sent.and_then(|text| RequestId::parse(text).ok()).unwrap_or_else(RequestId::make_random)
}

fn is_service(request: &ServiceRequest) -> bool {
    let peer = request.conn_data::<Peer>().map(|peer| &peer.certificate.identity);
    matches!(peer, Some(PeerIdentity::Service { .. }))
}

fn find_endpoint(gate: &Gate, request: &ServiceRequest) -> Option<&'static Endpoint> {
    let pattern = request.match_pattern()?;
    gate.endpoints.iter().find(|endpoint| {
        endpoint.path == pattern && endpoint.method.as_str() == request.method().as_str()
    })
}

/// Somebody who is not let in, as far as it is proven who it is.
struct Refused {
    error: ApiError,
    actor: Option<Actor>,
}

/// Decides, before anything of the body is read.
fn admit(
    gate: &Gate,
    endpoint: Option<&Endpoint>,
    request: &ServiceRequest,
    (request_id, at): (&RequestId, OffsetDateTime),
) -> Result<Caller, Box<Refused>> {
    let peer = request.conn_data::<Peer>().cloned();
    let certified = peer.as_ref().map(|peer| certified(&peer.certificate.identity));
    let refuse = |error| Box::new(Refused { error, actor: certified.clone() });
    let unauthenticated = || refuse(ApiError::new(&problems::UNAUTHENTICATED));
    let endpoint = endpoint.ok_or_else(unauthenticated)?;
    let peer = peer.ok_or_else(unauthenticated)?;
    if !gate.trust.accepts(&peer.certificate.serial, at.unix_timestamp()) {
        return Err(unauthenticated());
    }
    let (actor, session) = identify(gate, &peer, request, endpoint.action).map_err(refuse)?;
    if !may(&actor, endpoint.action) {
        let error = ApiError::new(&problems::DENIED);
        return Err(Box::new(Refused { error, actor: Some(actor) }));
    }
    let context = OpContext::new(actor, request_id.clone(), at);
    Ok(Caller { context, session, peer })
}

/// What the certificate alone proves.
fn certified(identity: &PeerIdentity) -> Actor {
    match identity.clone() {
        PeerIdentity::Service { kind, instance } => Actor::Service { kind, instance },
        PeerIdentity::Terminal { municipality, terminal } => {
            Actor::Terminal { municipality, terminal }
        }
        PeerIdentity::System { municipality, system } => Actor::System { municipality, system },
        PeerIdentity::Device { municipality, device } => Actor::Device { municipality, device },
    }
}

fn identify(
    gate: &Gate,
    peer: &Peer,
    request: &ServiceRequest,
    action: Action,
) -> Result<(Actor, Option<Session>), ApiError> {
    let (municipality, terminal) = match certified(&peer.certificate.identity) {
        Actor::Terminal { municipality, terminal } => (municipality, terminal),
        // Machines log in by their certificates alone.
        machine => return Ok((machine, None)),
    };
    if !needs_log_in(action) {
        let is_revoked = || {
            let revocations =
                gate.participants.revocations(now_unix_s(gate.clock.as_ref())).ok()?;
            Some(is_terminal_revoked(&revocations, &peer.thumbprint))
        };
        return match (action, is_revoked()) {
            // Whether we are ready must be readable also while we are not.
            (Action::ReadHealth, _) | (_, Some(false)) => {
                Ok((Actor::Terminal { municipality, terminal }, None))
            }
            (_, Some(true)) => Err(ApiError::new(&problems::UNAUTHENTICATED)),
            (_, None) => Err(ApiError::new(&problems::UNAVAILABLE)),
        };
    }
    let claims = claims(gate, peer, request)?;
    let session = Session { id: claims.jti, expires_at_unix_s: claims.exp };
    let actor = match (claims.role, claims.municipality) {
        (Role::National, None) if municipality.is_none() => {
            Actor::National { id: claims.sub, terminal }
        }
        (role @ (Role::Clerk | Role::Supervisor), Some(own)) if municipality == Some(own) => {
            Actor::Operator { id: claims.sub, municipality: own, role, terminal }
        }
        _ => return Err(ApiError::new(&problems::UNAUTHENTICATED)),
    };
    Ok((actor, Some(session)))
}

fn claims(
    gate: &Gate,
    peer: &Peer,
    request: &ServiceRequest,
) -> Result<wire::registry::TokenClaims, ApiError> {
    let unauthenticated = || ApiError::new(&problems::UNAUTHENTICATED);
    let now = now_unix_s(gate.clock.as_ref());
    let sent = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let text = sent.and_then(|text| text.strip_prefix("Bearer ")).ok_or_else(unauthenticated)?;
    let no_view = |error| ApiError::caused(&problems::UNAVAILABLE, error);
    let directory = gate.participants.directory(now).map_err(no_view)?;
    let revocations = gate.participants.revocations(now).map_err(no_view)?;
    let claims =
        token::verify(text, &directory, &peer.thumbprint, now).ok_or_else(unauthenticated)?;
    if is_revoked(&revocations, &claims.jti, &claims.sub, &peer.thumbprint) {
        return Err(unauthenticated());
    }
    Ok(claims)
}
