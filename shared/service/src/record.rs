//! What a service writes down about a request before its answer leaves.
//!
//! A handler writes its line in the transaction of its act.  Whoever got no further than the gate
//! or the body, or met a fault, leaves a line too: that one comes from here.

use std::future::Future;
use std::pin::Pin;

use actix_web::HttpResponse;
use domain::{Action, Actor, OpContext, RequestId};
use time::OffsetDateTime;

use crate::ApiError;

/// A request whose answer is ready, and of which no log says yet how it ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Who asked, as far as it is proven: a token that was refused proves nothing.
    pub actor: Option<Actor>,
    /// Absent if there is no such endpoint.
    pub action: Option<Action>,
    pub request: RequestId,
    pub at: OffsetDateTime,
    /// The code of the problem that the caller will read; absent after a success.
    pub problem: Option<&'static str>,
}

type Writing = Pin<Box<dyn Future<Output = Result<(), ApiError>>>>;

/// How a service writes such a line; a service without one (`app_data`) writes none.
///
/// If the line cannot be written, the caller gets that error in place of the answer.
pub struct Recorder(Box<dyn Fn(Ended) -> Writing + Send + Sync>);

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

impl Recorder {
    pub fn new(write: impl Fn(Ended) -> Writing + Send + Sync + 'static) -> Self {
        Self(Box::new(write))
    }

    /// Writes the line unless the handler has; the error, if any, is what the caller must get.
    pub(crate) async fn record(
        &self,
        (ended, context): (Ended, Option<&OpContext>),
        error: Option<&ApiError>,
    ) -> Option<HttpResponse> {
        let is_recorded = context.is_some_and(|context| context.recorded.is_set());
        // A database that has just refused a line, or may have taken it, is not asked again: the
        // caller would wait twice, or the line stand there twice.
        let is_lost = error.is_some_and(ApiError::is_database_away);
        if is_recorded || is_lost || ended.action == Some(Action::ReadHealth) {
            return None;
        }
        let request = ended.request.clone();
        let failure = (self.0)(ended).await.err()?;
        Some(failure.respond(request.as_str()))
    }
}
