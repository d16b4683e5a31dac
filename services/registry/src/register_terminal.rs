use domain::{MunicipalityCode, municipalities};
use service::{ApiError, Caller};
use wire::registry::RegisterTerminal;

use crate::Registry;
use crate::change::{Change, make};
use crate::store::{self, Access, NewTerminal};

const THUMBPRINT_BYTES: usize = 32;

/// Registers a machine by its certificate (C039); a new certificate is a new terminal.
pub(crate) async fn register_terminal(
    registry: &Registry,
    caller: &Caller,
    request: RegisterTerminal,
) -> Result<(), ApiError> {
    require_known(request.municipality)?;
    if request.thumbprint.0.len() != THUMBPRINT_BYTES {
        return Err(ApiError::field("thumbprint"));
    }
    let at = caller.context.at;
    let new = NewTerminal {
        municipality: request.municipality,
        id: request.terminal,
        thumbprint: request.thumbprint.0,
    };
    let object = format!("{}/{}", store::place(new.municipality), new.id);
    let access = Access::of(&caller.context, "RegisterTerminal", Some(&object));
    make(registry, "registry.register_terminal", access, move |tx| {
        Ok(match store::terminal_find(tx, new.municipality, &new.id)? {
            Some(old) if !old.is_revoked && old.thumbprint == new.thumbprint => Change::Same,
            Some(_) => Change::Conflict,
            None => {
                store::terminal_insert(tx, &new, at)?;
                Change::Made
            }
        })
    })
    .await
}

/// National operations, or a municipality of today.
pub(crate) fn require_known(municipality: Option<MunicipalityCode>) -> Result<(), ApiError> {
    let is_known = municipality.is_none_or(|code| municipalities::municipality(code).is_some());
    if is_known { Ok(()) } else { Err(ApiError::field("municipality")) }
}
