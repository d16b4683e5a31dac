//! Hands the registry's signed directory on to devices, which reach nothing but the intake: they
//! check its signature themselves.

use domain::{OpContext, RequestId};
use service::{ApiError, problems};
use wire::CallError;
use wire::registry::{DIRECTORY, Signed};

use crate::intake::Intake;

/// How long an answer of the registry's, or its silence, is handed on before it is asked again.
const COPY_S_MAX: i64 = 10;

/// The newest copy, and when the registry was last asked.
#[derive(Debug)]
pub(crate) struct Relayed {
    signed: Option<Signed>,
    asked_at_unix_s: i64,
}

impl Intake {
    /// Whoever comes while the registry is being asked waits for that one answer.
    pub(crate) async fn relay_directory(&self, context: &OpContext) -> Result<Signed, ApiError> {
        let now_unix_s = context.at.unix_timestamp();
        let mut relayed = self.relayed.lock().await;
        let asked_at = relayed.as_ref().map(|copy| copy.asked_at_unix_s);
        let is_due = asked_at.is_none_or(|at| !(0..COPY_S_MAX).contains(&(now_unix_s - at)));
        if is_due {
            let fetched = self.registry.get(DIRECTORY, &RequestId::make_random()).await;
            let fetched = fetched.inspect_err(|error: &CallError| {
                tracing::warn!(%error, "the directory is not fetched for devices");
            });
            let older = relayed.take().and_then(|copy| copy.signed);
            *relayed =
                Some(Relayed { signed: fetched.ok().or(older), asked_at_unix_s: now_unix_s });
        }
        let signed = relayed.as_ref().and_then(|copy| copy.signed.clone());
        signed.ok_or_else(|| ApiError::new(&problems::UNAVAILABLE))
    }
}
