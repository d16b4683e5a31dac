//! The policy lets every partition speak for a municipality; which rooms are its own, only the
//! directory knows.

use std::sync::Arc;

use domain::{Action, Actor, MunicipalityCode, OpContext, Permit, ServiceKind, authorize};

use crate::{ApiError, Directory, Participants, problems};

/// The directory in force when the call came.
pub fn directory(
    context: &OpContext,
    participants: &Participants,
) -> Result<Arc<Directory>, ApiError> {
    let directory = participants.directory(context.at.unix_timestamp());
    directory.map_err(|error| ApiError::caused(&problems::UNAVAILABLE, error))
}

/// The permit for a room that the calling partition hosts.
pub fn expect_host(
    context: &OpContext,
    action: Action,
    directory: &Directory,
    municipality: MunicipalityCode,
) -> Result<Permit, ApiError> {
    let permit = authorize(context, action, municipality)?;
    let host = directory.member(municipality).map(|member| member.host.as_str());
    match &context.actor {
        Actor::Service { kind: ServiceKind::Partition, instance }
            if host == Some(instance.as_str()) =>
        {
            Ok(permit)
        }
        _ => Err(ApiError::new(&problems::DENIED)),
    }
}
