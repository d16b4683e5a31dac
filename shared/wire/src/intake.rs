//! What is said to the intake: by venue devices, and by the partitions they belong to.

use domain::{MunicipalityCode, TerminalId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Base64Bytes;

pub const CAPTURES: &str = "/v1/captures";
pub const CAPTURES_FETCH: &str = "/v1/captures/fetch";
pub const CAPTURES_FORGET: &str = "/v1/captures/forget";
pub const DEVICES_KEEP: &str = "/v1/devices/keep";
/// The registry's signed directory, for devices: they reach no other service.
pub const DEVICE_DIRECTORY: &str = "/v1/devices/directory";

/// Captures in one call of a device.
pub const SEND_MAX: usize = 100;
/// Captures in one call of a partition.
pub const FETCH_MAX: usize = 500;
/// Devices in one call of a partition.
pub const KEEP_MAX: usize = 1_000;
/// The longest sealed capture.
pub const SEALED_BYTES_MAX: usize = 4_096;

/// A device hands in what it captured, in any order and as often as it likes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendCaptures {
    /// 1 to 100.
    pub captures: Vec<SealedCapture>,
}

/// One dose, sealed on the device to its municipality.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SealedCapture {
    /// Made by the device; sent again with the same id, it is the same capture.
    pub id: Uuid,
    /// The municipality's sealing key that was used.
    pub key_id: u32,
    /// At most 4 KiB.
    #[schema(value_type = String, format = Byte)]
    pub sealed: Base64Bytes,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CapturesAnswered {
    /// In the order of the call.
    pub captures: Vec<CaptureAnswer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CaptureAnswer {
    pub id: Uuid,
    pub result: Taken,
}

/// What became of one capture at the intake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Taken {
    /// Durable; the device may forget it.
    Accepted,
    /// Longer than any capture is.
    TooLarge,
    /// Not what a device of ours seals.
    Malformed,
    /// Not sealed to a key of the municipality: fetch the directory, seal it again.
    UnknownKey,
    /// Too many wait for the municipality: keep it and send it later.
    TooManyWaiting,
}

impl Taken {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::TooLarge => "too-large",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown-key",
            Self::TooManyWaiting => "too-many-waiting",
        }
    }
}

/// The partition that hosts a municipality asks for its captures, in the order of arrival.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FetchCaptures {
    #[schema(value_type = String, example = "131211")]
    pub municipality: MunicipalityCode,
    /// Those that arrived after this one; 0 for all.
    pub after: u64,
    /// At most 500.
    pub limit: u16,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Captures {
    pub captures: Vec<WaitingCapture>,
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitingCapture {
    #[schema(value_type = String)]
    pub device: TerminalId,
    pub id: Uuid,
    /// Place in the order of arrival.
    pub sequence: u64,
    #[schema(value_type = String, format = Byte)]
    pub sealed: Base64Bytes,
    pub received_at_unix_ms: i64,
}

/// The partition has these for good.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForgetCaptures {
    #[schema(value_type = String, example = "131211")]
    pub municipality: MunicipalityCode,
    /// At most 500.
    pub captures: Vec<CaptureName>,
}

/// A device names its captures; two devices may have chosen the same id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CaptureName {
    #[schema(value_type = String)]
    pub device: TerminalId,
    pub id: Uuid,
}

/// The partition tells which devices its municipality has.  A name is given once and a revocation
/// is final, so it does not matter in which order calls arrive.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeepDevices {
    #[schema(value_type = String, example = "131211")]
    pub municipality: MunicipalityCode,
    /// At most 1,000.
    pub devices: Vec<KeptDevice>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeptDevice {
    #[schema(value_type = String)]
    pub device: TerminalId,
    /// SHA-256 of the device's certificate.
    #[schema(value_type = String, format = Byte)]
    pub thumbprint: Base64Bytes,
    pub revoked: bool,
}

/// What binds a sealed capture to its municipality, its device and its id: whoever moves it to
/// another place makes it unreadable.
pub fn binding(municipality: MunicipalityCode, device: &TerminalId, id: Uuid) -> Vec<u8> {
    format!("{municipality}/{device}/{id}").into_bytes()
}
