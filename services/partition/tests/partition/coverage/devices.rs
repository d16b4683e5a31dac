//! How a supervisor's endpoints for venue devices are called.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Role;
use serde_json::{Value, json};
use wire::devices as api;

use super::Row;

/// The public key of the first test of RFC 8032.
const KEY: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];

pub(super) fn row(path: &str) -> Row {
    let device = |thumbprint: u8| {
        json!({
            "device": "tablet-1", "thumbprint": STANDARD.encode([thumbprint; 32]),
            "verifyingKey": STANDARD.encode(KEY),
        })
    };
    let (good, bad) = match path {
        // The name is another device's by then.
        api::DEVICES => (device(1), device(2)),
        api::DEVICES_REVOKE => (json!({ "device": "tablet-1" }), json!({ "device": "tablet-2" })),
        _ => (json!({}), Value::Null),
    };
    Row::new(Some(Role::Supervisor), good, bad)
}
