//! A supervisor says which devices may hand in doses for the own municipality.

use crypto::VerifyingKey;
use domain::{Action, Permit};
use service::{ApiError, problems as common};
use wire::devices::{DeviceLine, Devices, ListDevices, RegisterDevice, RevokeDevice};

use room::Host;
use room::operation_log::{About, entry};
use room::store::device::Device;
use room::{problems, store};

const THUMBPRINT_BYTES: usize = 32;
const LIST_MAX: i64 = 1_000;

/// Registers a device; the same again changes nothing.
pub(crate) async fn register(
    host: &Host,
    permit: Permit,
    request: RegisterDevice,
) -> Result<(), ApiError> {
    permit.expect_action(Action::ManageDevices)?;
    let room = host.room(permit.municipality())?;
    let RegisterDevice { device, thumbprint, verifying_key } = request;
    if thumbprint.0.len() != THUMBPRINT_BYTES {
        return Err(ApiError::field("thumbprint"));
    }
    let key = verifying_key.0.as_slice().try_into().ok();
    let key = key.and_then(|bytes| VerifyingKey::from_bytes(bytes).ok());
    let new = Device {
        name: device,
        thumbprint: thumbprint.0,
        key: key.ok_or_else(|| ApiError::field("verifyingKey"))?,
        registered_at_unix_ms: room::operation_log::unix_ms(permit.context().at),
        revoked_at_unix_ms: None,
        is_told: false,
    };
    let about = About { purpose: format!("device/{}", new.name), ..About::default() };
    let refusal = room
        .queue
        .write(move |tx, acts| {
            let is_same = store::device::insert(tx, &permit, &new)?
                || store::device::find(tx, &permit, &new.name)?.is_some_and(|known| {
                    let same = (&known.thumbprint, known.key) == (&new.thumbprint, new.key);
                    same && known.revoked_at_unix_ms.is_none()
                });
            let refusal = (!is_same).then_some(&problems::DEVICE_NAME_TAKEN);
            let result = refusal.map_or("registered", |kind| kind.code);
            acts.add(entry(&permit, about.clone(), result));
            Ok(refusal)
        })
        .await?;
    refusal.map_or(Ok(()), |kind| Err(ApiError::new(kind)))
}

/// Revokes a device for good; what it hands in from now on counts no more.
pub(crate) async fn revoke(
    host: &Host,
    permit: Permit,
    request: RevokeDevice,
) -> Result<(), ApiError> {
    permit.expect_action(Action::ManageDevices)?;
    let room = host.room(permit.municipality())?;
    let name = request.device;
    let about = About { purpose: format!("device/{name}"), ..About::default() };
    let refusal = room
        .queue
        .write(move |tx, acts| {
            let is_known = store::device::find(tx, &permit, &name)?.is_some();
            store::device::revoke(tx, &permit, &name)?;
            let refusal = (!is_known).then_some(&common::NOT_FOUND);
            let result = refusal.map_or("revoked", |kind| kind.code);
            acts.add(entry(&permit, about.clone(), result));
            Ok(refusal)
        })
        .await?;
    refusal.map_or(Ok(()), |kind| Err(ApiError::new(kind)))
}

pub(crate) async fn list(
    host: &Host,
    permit: Permit,
    request: ListDevices,
) -> Result<Devices, ApiError> {
    permit.expect_action(Action::ManageDevices)?;
    let room = host.room(permit.municipality())?;
    let line = |device: Device| DeviceLine {
        device: device.name,
        registered_at_unix_ms: device.registered_at_unix_ms,
        revoked_at_unix_ms: device.revoked_at_unix_ms,
        in_force: device.is_told,
    };
    let devices = room
        .queue
        .write(move |tx, acts| {
            let about = About { purpose: "devices".to_owned(), ..About::default() };
            acts.add(entry(&permit, about, "listed"));
            store::device::list(tx, &permit, (request.after.as_ref(), LIST_MAX))
        })
        .await?;
    Ok(Devices { devices: devices.into_iter().map(line).collect() })
}
