use std::collections::HashMap;

use crypto::VerifyingKey;
use db::{Tx, on_engine};
use diesel::prelude::*;
use domain::{Permit, TerminalId};
use service::ApiError;

use super::schema::device;
use super::{broken_row, failed};

/// A device at a venue of this municipality.
#[derive(Clone, Debug)]
pub struct Device {
    pub name: TerminalId,
    /// SHA-256 of its certificate.
    pub thumbprint: Vec<u8>,
    /// Signs what it captures.
    pub key: VerifyingKey,
    pub registered_at_unix_ms: i64,
    pub revoked_at_unix_ms: Option<i64>,
    /// Whether the intake knows it as it is now.
    pub is_told: bool,
}

type Row = (String, Vec<u8>, Vec<u8>, i64, Option<i64>, bool);

fn read((name, thumbprint, key, registered, revoked, is_told): Row) -> Result<Device, ApiError> {
    let key: [u8; 32] = key.try_into().map_err(|_| broken_row())?;
    Ok(Device {
        name: TerminalId::parse(&name).map_err(|_| broken_row())?,
        thumbprint,
        key: VerifyingKey::from_bytes(&key)?,
        registered_at_unix_ms: registered,
        revoked_at_unix_ms: revoked,
        is_told,
    })
}

type Columns = (
    device::name,
    device::thumbprint,
    device::verifying_key,
    device::registered_at_unix_ms,
    device::revoked_at_unix_ms,
    device::told,
);

const COLUMNS: Columns = (
    device::name,
    device::thumbprint,
    device::verifying_key,
    device::registered_at_unix_ms,
    device::revoked_at_unix_ms,
    device::told,
);

/// Adds a device; `false` if its name was given before.
pub fn insert(tx: &mut Tx, permit: &Permit, new: &Device) -> Result<bool, ApiError> {
    let municipality = permit.municipality();
    let insert = diesel::insert_into(device::table).values((
        device::municipality.eq(municipality.as_str()),
        device::name.eq(new.name.as_str()),
        device::thumbprint.eq(&new.thumbprint),
        device::verifying_key.eq(new.key.as_bytes().as_slice()),
        device::registered_at_unix_ms.eq(new.registered_at_unix_ms),
        device::told.eq(false),
    ));
    let added = on_engine!(tx, c => insert.on_conflict_do_nothing().execute(c)).map_err(failed)?;
    Ok(added == 1)
}

pub fn find(tx: &mut Tx, permit: &Permit, name: &TerminalId) -> Result<Option<Device>, ApiError> {
    let row: Option<Row> = device::table
        .find((permit.municipality().as_str(), name.as_str()))
        .select(COLUMNS)
        .first(tx)
        .optional()
        .map_err(failed)?;
    row.map(read).transpose()
}

/// The devices that have these names.
pub fn known(
    tx: &mut Tx,
    permit: &Permit,
    names: &[TerminalId],
) -> Result<HashMap<TerminalId, Device>, ApiError> {
    let municipality = permit.municipality();
    let query = device::table
        .filter(device::municipality.eq(municipality.as_str()))
        .filter(device::name.eq_any(names.iter().map(TerminalId::as_str)))
        .select(COLUMNS);
    let rows: Vec<Row> = query.load(tx).map_err(failed)?;
    let named = |row| read(row).map(|device| (device.name.clone(), device));
    rows.into_iter().map(named).collect()
}

/// The next devices by name.
pub fn list(
    tx: &mut Tx,
    permit: &Permit,
    (after, limit): (Option<&TerminalId>, i64),
) -> Result<Vec<Device>, ApiError> {
    let rows: Vec<Row> = device::table
        .filter(device::municipality.eq(permit.municipality().as_str()))
        .filter(device::name.gt(after.map_or("", TerminalId::as_str)))
        .order(device::name)
        .limit(limit)
        .select(COLUMNS)
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(read).collect()
}

/// Revokes for good; a device that is revoked stays so since then.
pub fn revoke(tx: &mut Tx, permit: &Permit, name: &TerminalId) -> Result<(), ApiError> {
    let municipality = permit.municipality();
    let in_use = device::table
        .find((municipality.as_str(), name.as_str()))
        .filter(device::revoked_at_unix_ms.is_null());
    let at = crate::operation_log::unix_ms(permit.context().at);
    let change = (device::revoked_at_unix_ms.eq(Some(at)), device::told.eq(false));
    diesel::update(in_use).set(change).execute(tx).map(drop).map_err(failed)
}

/// Devices of which the intake does not know the newest.
pub fn untold(tx: &mut Tx, permit: &Permit, limit: i64) -> Result<Vec<Device>, ApiError> {
    let rows: Vec<Row> = device::table
        .filter(device::municipality.eq(permit.municipality().as_str()))
        .filter(device::told.eq(false))
        .order(device::name)
        .limit(limit)
        .select(COLUMNS)
        .load(tx)
        .map_err(failed)?;
    rows.into_iter().map(read).collect()
}

/// The intake knows these devices as they were then; one that was revoked since is told again.
pub fn told(tx: &mut Tx, permit: &Permit, devices: &[Device]) -> Result<(), ApiError> {
    let (revoked, in_use): (Vec<&Device>, Vec<&Device>) =
        devices.iter().partition(|one| one.revoked_at_unix_ms.is_some());
    let names = |some: Vec<&Device>| -> Vec<String> {
        some.into_iter().map(|one| one.name.as_str().to_owned()).collect()
    };
    let municipality = permit.municipality();
    let own = || device::table.filter(device::municipality.eq(municipality.as_str()));
    let still = own()
        .filter(device::name.eq_any(names(in_use)))
        .filter(device::revoked_at_unix_ms.is_null());
    diesel::update(still).set(device::told.eq(true)).execute(tx).map_err(failed)?;
    let gone = own().filter(device::name.eq_any(names(revoked)));
    diesel::update(gone).set(device::told.eq(true)).execute(tx).map(drop).map_err(failed)
}
