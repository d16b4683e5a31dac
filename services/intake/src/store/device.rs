use std::collections::HashMap;

use db::{Tx, on_engine};
use diesel::prelude::*;
use domain::MunicipalityCode;
use service::ApiError;
use wire::intake::KeptDevice;

use super::failed;
use super::schema::device;
use crate::problems;

/// What is known of a device.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) thumbprint: Vec<u8>,
    pub(crate) is_revoked: bool,
}

/// The devices of a municipality that have these names.
pub(crate) fn known(
    tx: &mut Tx,
    municipality: MunicipalityCode,
    names: &[&str],
) -> Result<HashMap<String, Known>, ApiError> {
    let query = device::table
        .filter(device::municipality.eq(municipality.as_str()))
        .filter(device::name.eq_any(names))
        .select((device::name, device::thumbprint, device::revoked));
    let rows: Vec<(String, Vec<u8>, bool)> = on_engine!(tx, c => query.load(c)).map_err(failed)?;
    let read = |(name, thumbprint, is_revoked)| (name, Known { thumbprint, is_revoked });
    Ok(rows.into_iter().map(read).collect())
}

/// Adds what is new and revokes what is revoked; a name stays with its certificate.
pub(crate) fn keep(
    tx: &mut Tx,
    municipality: MunicipalityCode,
    devices: &[KeptDevice],
) -> Result<(), ApiError> {
    for one in devices {
        let insert = diesel::insert_into(device::table).values((
            device::municipality.eq(municipality.as_str()),
            device::name.eq(one.device.as_str()),
            device::thumbprint.eq(&one.thumbprint.0),
            device::revoked.eq(one.revoked),
        ));
        on_engine!(tx, c => insert.on_conflict_do_nothing().execute(c)).map_err(failed)?;
    }
    let names: Vec<&str> = devices.iter().map(|one| one.device.as_str()).collect();
    let known = known(tx, municipality, &names)?;
    let is_same = |one: &KeptDevice| {
        known.get(one.device.as_str()).is_some_and(|known| known.thumbprint == one.thumbprint.0)
    };
    if !devices.iter().all(is_same) {
        return Err(ApiError::new(&problems::DEVICE_DIFFERS));
    }
    let revoked: Vec<&str> =
        devices.iter().filter(|one| one.revoked).map(|one| one.device.as_str()).collect();
    let revoke = diesel::update(
        device::table
            .filter(device::municipality.eq(municipality.as_str()))
            .filter(device::name.eq_any(revoked)),
    )
    .set(device::revoked.eq(true));
    on_engine!(tx, c => revoke.execute(c)).map(drop).map_err(failed)
}
