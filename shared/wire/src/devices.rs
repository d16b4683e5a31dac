//! What a supervisor says to the partition about the own municipality's venue devices.

use domain::TerminalId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Base64Bytes;

pub const DEVICES: &str = "/v1/devices";
pub const DEVICES_REVOKE: &str = "/v1/devices/revoke";
pub const DEVICES_LIST: &str = "/v1/devices/list";

/// A device gets a place; its name is given once and never to another device.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterDevice {
    /// As in its certificate.
    #[schema(value_type = String)]
    pub device: TerminalId,
    /// SHA-256 of its certificate.
    #[schema(value_type = String, format = Byte)]
    pub thumbprint: Base64Bytes,
    /// The Ed25519 key with which the device signs what it captures.
    #[schema(value_type = String, format = Byte)]
    pub verifying_key: Base64Bytes,
}

/// A device is lost or out of use; this is final.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RevokeDevice {
    #[schema(value_type = String)]
    pub device: TerminalId,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListDevices {
    /// Those whose names come after this one.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub after: Option<TerminalId>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Devices {
    /// At most 1,000, by name.
    pub devices: Vec<DeviceLine>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceLine {
    #[schema(value_type = String)]
    pub device: TerminalId,
    pub registered_at_unix_ms: i64,
    pub revoked_at_unix_ms: Option<i64>,
    /// Whether the intake goes by this already.
    pub in_force: bool,
}
