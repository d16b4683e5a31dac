use domain::{MunicipalityCode, municipalities};
use service::{ApiError, Caller};
use time::OffsetDateTime;
use wire::registry::RegisterTerminal;

use crate::Registry;
use crate::access::Access;
use crate::change::{Change, Work, make};
use crate::store::{self, NewTerminal};

const THUMBPRINT_BYTES: usize = 32;

/// Registers a machine by its certificate (C039); a new certificate is a new terminal.
pub(crate) async fn register_terminal(
    registry: &Registry,
    caller: &Caller,
    request: RegisterTerminal,
) -> Result<(), ApiError> {
    let access = Access::of(&caller.context, "RegisterTerminal");
    let access = access.at_terminal(request.municipality, &request.terminal);
    let at = caller.context.at;
    make(registry, caller, access, async { prepare(request, at) }).await
}

fn prepare(request: RegisterTerminal, at: OffsetDateTime) -> Result<Work, ApiError> {
    require_known(request.municipality)?;
    if request.thumbprint.0.len() != THUMBPRINT_BYTES {
        return Err(ApiError::field("thumbprint"));
    }
    let new = NewTerminal {
        municipality: request.municipality,
        id: request.terminal,
        thumbprint: request.thumbprint.0,
    };
    Ok(Box::new(move |tx, _| {
        Ok(match store::terminal_find(tx, new.municipality, &new.id)? {
            Some(old) if !old.is_revoked && old.thumbprint == new.thumbprint => Change::Same,
            Some(_) => Change::Conflict,
            None => {
                store::terminal_insert(tx, &new, at)?;
                Change::Made
            }
        })
    }))
}

/// National operations, or a municipality of today.
pub(crate) fn require_known(municipality: Option<MunicipalityCode>) -> Result<(), ApiError> {
    let is_known = municipality.is_none_or(|code| municipalities::municipality(code).is_some());
    if is_known { Ok(()) } else { Err(ApiError::field("municipality")) }
}
