//! What a partition says to the broker, and the permit the broker issues.

use domain::{InquiryHeader, InquiryId, MunicipalityCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Base64Bytes;
use crate::provision_log::Receipt;

pub const INQUIRIES: &str = "/v1/inquiries";
/// The same for a row of a batch (一括照会), which has a budget of its own.
pub const BATCH_INQUIRIES: &str = "/v1/inquiries/batch";

/// An inquiry as the broker sees it: who asks whom and why, and bytes it cannot open.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BrokerInquiry {
    #[schema(value_type = Object)]
    pub header: InquiryHeader,
    /// Sealed to the provider's key and bound to the header.
    #[schema(value_type = String, format = Byte)]
    pub sealed: Base64Bytes,
    /// The inquirer's signature over header and sealed bytes.
    #[schema(value_type = String, format = Byte)]
    pub signature: Base64Bytes,
}

impl BrokerInquiry {
    /// What the inquirer's signature covers: the header's bytes, then the sealed bytes.
    pub fn signed_bytes(header: &InquiryHeader, sealed: &[u8]) -> Vec<u8> {
        let mut bytes = header.to_signed_bytes();
        bytes.extend_from_slice(sealed);
        bytes
    }
}

/// The broker's answer.  `routed` is false where no room has the named code: then the sealed bytes
/// are random filler of the usual size, so that the line looks the same.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrokerAnswer {
    /// Written as 1 or 0: `true` and `false` differ in length, and that would show on the line.
    #[serde(with = "one_digit")]
    #[schema(value_type = u8, minimum = 0, maximum = 1)]
    pub routed: bool,
    #[schema(value_type = String, format = Byte)]
    pub sealed: Base64Bytes,
    /// Proof that the outcome is durable in the provision log.
    pub receipt: Receipt,
}

mod one_digit {
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(is: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(u8::from(*is))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<bool, D::Error> {
        match u8::deserialize(deserializer)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(de::Error::custom("this field is 0 or 1")),
        }
    }
}

/// 情報提供許可証: short-lived, for one inquiry, signed by the broker (an EdDSA JWT).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InquiryPermit {
    pub iss: String,
    /// The provider's municipality code.
    pub aud: String,
    pub sub: MunicipalityCode,
    pub jti: String,
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    pub inquiry: InquiryId,
    /// SHA-256 over header, sealed bytes and signature: the permit fits this message only.
    pub message: Base64Bytes,
}

pub const PERMIT_ISSUER: &str = "watari-broker";
