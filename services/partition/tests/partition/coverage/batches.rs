//! How the endpoints of a batch are called, from its announcement to its result file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::sha256;
use domain::{IndividualNumber, Role};
use serde_json::json;
use uuid::Uuid;
use wire::batch as api;

use super::Row;
use crate::world::ADACHI;

const BATCH: Uuid = Uuid::from_u128(7);

pub(super) fn row(path: &str) -> Row {
    let number = IndividualNumber::for_test(1).reveal().to_owned();
    let text = format!("{}\n{number},{ADACHI},,\n", interchange::layout::BATCH_1.header());
    let base64 = |bytes: &[u8]| STANDARD.encode(bytes);
    let named = |batch: Uuid| json!({ "batch": batch });
    let page = |limit| json!({ "batch": BATCH, "fromRow": 1, "limit": limit });
    let (good, bad) = match path {
        api::BATCHES => {
            let announce = |bytes| {
                json!({
                    "batch": BATCH, "procedure": "transfer-in", "legalBasis": "number-act-19-16",
                    "confirmation": "residentRegister", "totalBytes": bytes,
                    "sha256": base64(&sha256(text.as_bytes())),
                })
            };
            (announce(text.len()), announce(1))
        }
        api::BATCHES_PARTS => {
            let part = |batch: Uuid| json!({ "batch": batch, "part": 0, "bytes": base64(text.as_bytes()) });
            (part(BATCH), part(Uuid::nil()))
        }
        api::BATCHES_RESULTS | api::BATCHES_FILE => (page(1_000), page(1_001)),
        _ => (named(BATCH), named(Uuid::nil())),
    };
    Row::new(Some(Role::Clerk), good, bad)
}
