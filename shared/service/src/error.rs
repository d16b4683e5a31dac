use std::error::Error as StdError;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use db::DbError;
use domain::Denied;
use wire::fhir::{FHIR_JSON, OperationOutcome};
use wire::{CallError, Problem};

use crate::problems::{self, ProblemKind};

/// After so long what is away may be back, and the same request may be sent again.
const UNAVAILABLE_S: u64 = 2;

/// Everything a handler may answer besides success: a kind from the catalogue.
///
/// `Display` is what the caller sees; the source is what the log sees.  There is no free text, so
/// nothing personal can be carried.
#[derive(Debug)]
pub struct ApiError {
    kind: &'static ProblemKind,
    field: Option<String>,
    retry_after_s: Option<u64>,
    source: Option<Box<dyn StdError + Send + Sync>>,
    db: Option<DbError>,
    is_fhir: bool,
}

impl ApiError {
    pub fn new(kind: &'static ProblemKind) -> Self {
        Self { kind, field: None, retry_after_s: None, source: None, db: None, is_fhir: false }
    }

    /// A request with a wrong field; the name is ours, never the caller's.
    pub fn field(name: &str) -> Self {
        Self { field: Some(name.to_owned()), ..Self::new(&problems::MALFORMED) }
    }

    /// A kind with the error that led to it, for the log.
    pub fn caused(
        kind: &'static ProblemKind,
        source: impl StdError + Send + Sync + 'static,
    ) -> Self {
        Self { source: Some(Box::new(source)), ..Self::new(kind) }
    }

    /// Another service's refusal of an inquiry, passed on to the asker in our own words.
    ///
    /// What is not in the catalogue is a fault of ours if it was refused, and says nothing else.  A
    /// service that is not let in, for its certificate say, has not been heard.
    pub fn relay(error: CallError) -> Self {
        let named = error.problem().and_then(|p| problems::inquiry::relayed(&p.code, p.status));
        let kind = match (named, &error) {
            (Some(kind), _) => kind,
            (None, CallError::Refused(problem)) if matches!(problem.status, 401 | 403) => {
                &problems::UNAVAILABLE
            }
            (None, CallError::Refused(_)) => &problems::INTERNAL,
            (None, _) => &problems::UNAVAILABLE,
        };
        let retry_after_s = error.problem().and_then(|problem| problem.retry_after_s);
        Self { retry_after_s, ..Self::caused(kind, error) }
    }

    /// Says which part of the request is at fault; the name is ours, never the caller's.
    #[must_use]
    pub fn about(self, part: impl Into<String>) -> Self {
        Self { field: Some(part.into()), ..self }
    }

    /// Told as an `OperationOutcome` from now on.
    #[must_use]
    pub fn in_fhir(self) -> Self {
        Self { is_fhir: true, ..self }
    }

    pub fn retry_after_s(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    fn wait_s(&self) -> Option<u64> {
        self.retry_after_s.or((self.kind.status == 503).then_some(UNAVAILABLE_S))
    }

    /// The database does not answer, or it is not known what it has kept: trying again now helps
    /// nobody.
    pub fn is_database_away(&self) -> bool {
        let is_unknown = self.kind == &problems::UNKNOWN_OUTCOME;
        is_unknown || self.db.as_ref().is_some_and(DbError::is_unavailable)
    }

    pub fn kind(&self) -> &'static ProblemKind {
        self.kind
    }

    /// The document the caller gets.
    pub fn problem(&self, request_id: &str) -> Problem {
        Problem {
            r#type: format!("urn:watari:problem:{}", self.kind.code),
            title: self.kind.title.to_owned(),
            status: self.kind.status,
            code: self.kind.code.to_owned(),
            owner: self.kind.owner,
            next_step: self.kind.next_step.to_owned(),
            field: self.field.clone(),
            retry_after_s: self.wait_s(),
            request_id: request_id.to_owned(),
        }
    }

    /// The answer under the id of its request; faults of ours are written to the log.
    pub fn respond(&self, request_id: &str) -> HttpResponse {
        let status = self.status_code();
        if status.is_server_error() {
            tracing::error!(code = self.kind.code, error = %Chain(self), "request failed");
        }
        let mut answer = HttpResponse::build(status);
        answer.insert_header((CACHE_CONTROL, "no-store"));
        answer.insert_header((wire::client::REQUEST_ID_HEADER, request_id));
        if let Some(seconds) = self.wait_s() {
            answer.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        let problem = self.problem(request_id);
        if self.is_fhir {
            return answer.content_type(FHIR_JSON).json(OperationOutcome::from(problem));
        }
        answer.content_type("application/problem+json").json(problem)
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind.title)
    }
}

impl StdError for ApiError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match (&self.source, &self.db) {
            (Some(source), _) => Some(source.as_ref()),
            (None, Some(db)) => Some(db),
            (None, None) => None,
        }
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The gate answers with the request's id in place of this one.
    fn error_response(&self) -> HttpResponse {
        self.respond("")
    }
}

impl From<Denied> for ApiError {
    fn from(_: Denied) -> Self {
        Self::new(&problems::DENIED)
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        let kind = match &error {
            DbError::CommitUnknown(_) => &problems::UNKNOWN_OUTCOME,
            error if error.is_unavailable() => &problems::UNAVAILABLE,
            _ => &problems::INTERNAL,
        };
        Self { db: Some(error), ..Self::new(kind) }
    }
}

impl db::TxError for ApiError {
    fn db_error(&self) -> Option<&DbError> {
        self.db.as_ref()
    }
}

impl From<crypto::CryptoError> for ApiError {
    fn from(error: crypto::CryptoError) -> Self {
        Self::caused(&problems::INTERNAL, error)
    }
}

/// Shows an error and all its causes on one line.
struct Chain<'a>(&'a dyn StdError);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_code_and_tells_the_next_step() {
        let kinds: Vec<_> = problems::ALL.into_iter().chain(problems::inquiry::ALL).collect();
        let mut codes: Vec<_> = kinds.iter().map(|kind| kind.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), kinds.len());
        assert!(kinds.iter().all(|kind| kind.next_step.ends_with('.')));
    }

    #[test]
    fn who_is_not_let_in_elsewhere_was_not_heard_and_anything_else_unknown_is_our_fault() {
        let relayed = |kind: &'static ProblemKind| {
            let problem = ApiError::new(kind).problem("r");
            ApiError::relay(CallError::Refused(Box::new(problem))).kind()
        };
        for kind in [&problems::UNAUTHENTICATED, &problems::DENIED] {
            assert_eq!(relayed(kind), &problems::UNAVAILABLE);
        }
        assert_eq!(relayed(&problems::MALFORMED), &problems::INTERNAL);
        assert_eq!(relayed(&problems::inquiry::NOT_PERMITTED), &problems::inquiry::NOT_PERMITTED);
    }

    #[test]
    fn the_log_sees_the_cause_and_the_caller_does_not() {
        let error = ApiError::from(crypto::CryptoError::Open);
        assert!(Chain(&error).to_string().contains("did not open"));
        let shown = serde_json::to_string(&error.problem("r")).unwrap();
        assert!(!shown.contains("did not open"), "{shown}");
    }
}
