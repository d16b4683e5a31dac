//! Hands the registry's signed directory on to devices, which reach nothing but the intake: they
//! check its signature themselves.

use domain::{OpContext, RequestId};
use service::{ApiError, problems};
use wire::registry::{DIRECTORY, Signed};

use crate::intake::Intake;

/// How long one copy is handed on before the registry is asked again.
const COPY_S_MAX: i64 = 10;

/// A copy and when it was fetched.
#[derive(Debug)]
pub(crate) struct Relayed {
    signed: Signed,
    at_unix_s: i64,
}

impl Intake {
    pub(crate) async fn relay_directory(&self, context: &OpContext) -> Result<Signed, ApiError> {
        let now_unix_s = context.at.unix_timestamp();
        let mut relayed = self.relayed.lock().await;
        if let Some(copy) = relayed.as_ref()
            && (0..COPY_S_MAX).contains(&(now_unix_s - copy.at_unix_s))
        {
            return Ok(copy.signed.clone());
        }
        let fetched = self.registry.get(DIRECTORY, &RequestId::make_random()).await;
        let signed: Signed =
            fetched.map_err(|error| ApiError::caused(&problems::UNAVAILABLE, error))?;
        *relayed = Some(Relayed { signed: signed.clone(), at_unix_s: now_unix_s });
        Ok(signed)
    }
}
