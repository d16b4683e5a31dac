//! The one HTTP client: mutual TLS, deadlines, size limits, trace and request ids.

use std::time::Duration;

use domain::RequestId;
use opentelemetry::propagation::Injector;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH,
};
use reqwest::{Method, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::problem::Problem;
use crate::tls::{Expected, TlsError, TlsIdentity};

/// The header that carries the id of a request through every service.
pub const REQUEST_ID_HEADER: &str = "x-request-id";

/// Largest answer any service of ours gives.
pub const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base_url: String,
}

/// Why a call has no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// We do not know whether the other side acted: it could not be reached, or fell silent.
    #[error("the other service did not answer")]
    Unavailable,
    /// The other side says that it could not act (5xx).
    #[error("the other service failed")]
    Failed(Option<Box<Problem>>),
    /// The other side says no (4xx); asking again the same way will not help.
    #[error("the other service refused")]
    Refused(Box<Problem>),
    /// The answer is too long or not of the agreed shape.
    #[error("the other service's answer is not readable")]
    Unreadable,
}

impl CallError {
    /// The problem document that came with the answer, if one did.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) | Self::Failed(Some(problem)) => Some(problem),
            Self::Failed(None) | Self::Unavailable | Self::Unreadable => None,
        }
    }
}

/// Deadlines of calls to other services.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    pub connect_ms_max: u64,
    pub answer_ms_max: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { connect_ms_max: 2_000, answer_ms_max: 10_000 }
    }
}

/// Kept-alive connections to one service.
const IDLE_CONNECTIONS_MAX: usize = 64;
const IDLE_S_MAX: u64 = 20;

impl Client {
    /// A client for one service at `base_url`, which must prove to be `expected`.
    pub fn new(
        identity: &TlsIdentity,
        expected: Expected,
        base_url: &str,
        deadlines: Deadlines,
    ) -> Result<Self, TlsError> {
        #[expect(clippy::disallowed_methods, reason = "the one place that builds a client")]
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(identity.client_config(expected)?)
            .https_only(true)
            .no_proxy()
            .http1_only()
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_millis(deadlines.connect_ms_max))
            .timeout(Duration::from_millis(deadlines.answer_ms_max))
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(Duration::from_secs(IDLE_S_MAX))
            .build()
            .map_err(|_| TlsError::Key)?;
        Ok(Self { http, base_url: base_url.trim_end_matches('/').to_owned() })
    }

    /// Posts `body` and reads the JSON answer.
    pub async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        request: &RequestId,
        token: Option<&str>,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        let bytes = serde_json::to_vec(body).map_err(|_| CallError::Unreadable)?;
        let answer = self.send(Method::POST, path, request, (token, Some(bytes), None)).await?;
        read_json(answer).await
    }

    /// The same on the condition that a record still has the version of this tag.
    pub async fn post_if_match<A: DeserializeOwned>(
        &self,
        path: &str,
        request: &RequestId,
        (token, tag): (Option<&str>, &str),
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        let bytes = serde_json::to_vec(body).map_err(|_| CallError::Unreadable)?;
        let answer =
            self.send(Method::POST, path, request, (token, Some(bytes), Some(tag))).await?;
        read_json(answer).await
    }

    /// Gets a JSON document.
    pub async fn get<A: DeserializeOwned>(
        &self,
        path: &str,
        request: &RequestId,
    ) -> Result<A, CallError> {
        read_json(self.send(Method::GET, path, request, (None, None, None)).await?).await
    }

    /// Gets a JSON document with its tag, unless it still has the tag that is known.
    pub async fn get_changed<A: DeserializeOwned>(
        &self,
        path: &str,
        request: &RequestId,
        known: Option<&str>,
    ) -> Result<Option<(A, Option<String>)>, CallError> {
        let mut call = self.http.get(format!("{}{path}", self.base_url));
        if let Some(known) = known {
            call = call.header(IF_NONE_MATCH, known);
        }
        let answer = call.headers(trace_headers(request)).send().await;
        let answer = answer.map_err(|_| CallError::Unavailable)?;
        let status = answer.status();
        if status == StatusCode::NOT_MODIFIED {
            return Ok(None);
        }
        if !status.is_success() {
            return Err(read_problem(status, answer).await);
        }
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        Ok(Some((read_json(answer).await?, tag)))
    }

    /// Gets a text.
    pub async fn get_text(&self, path: &str, request: &RequestId) -> Result<String, CallError> {
        let answer = self.send(Method::GET, path, request, (None, None, None)).await?;
        String::from_utf8(read_all(answer).await?).map_err(|_| CallError::Unreadable)
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        request: &RequestId,
        (token, body, tag): (Option<&str>, Option<Vec<u8>>, Option<&str>),
    ) -> Result<Response, CallError> {
        let mut call = self
            .http
            .request(method, format!("{}{path}", self.base_url))
            .headers(trace_headers(request));
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))
                .map_err(|_| CallError::Unreadable)?;
            value.set_sensitive(true);
            call = call.header(AUTHORIZATION, value);
        }
        if let Some(tag) = tag {
            call = call.header(IF_MATCH, tag);
        }
        if let Some(body) = body {
            call = call.header(CONTENT_TYPE, "application/json").body(body);
        }
        let answer = call.send().await.map_err(|_| CallError::Unavailable)?;
        let status = answer.status();
        if status.is_success() { Ok(answer) } else { Err(read_problem(status, answer).await) }
    }
}

async fn read_problem(status: StatusCode, answer: Response) -> CallError {
    // A problem that names another status than the line did is nobody's word.
    let problem = read_json::<Problem>(answer).await.ok().map(Box::new);
    let problem = problem.filter(|problem| problem.status == status.as_u16());
    match problem {
        Some(problem) if status.is_client_error() => CallError::Refused(problem),
        problem => CallError::Failed(problem),
    }
}

async fn read_json<A: DeserializeOwned>(answer: Response) -> Result<A, CallError> {
    serde_json::from_slice(&read_all(answer).await?).map_err(|_| CallError::Unreadable)
}

async fn read_all(mut answer: Response) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| CallError::Unavailable)? {
        if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(CallError::Unreadable);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn trace_headers(request: &RequestId) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(request.as_str()) {
        headers.insert(HeaderName::from_static(REQUEST_ID_HEADER), value);
    }
    let context = tracing::Span::current().context();
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut HeaderInjector(&mut headers));
    });
    headers
}

struct HeaderInjector<'a>(&'a mut HeaderMap);

impl Injector for HeaderInjector<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::try_from(key);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}
