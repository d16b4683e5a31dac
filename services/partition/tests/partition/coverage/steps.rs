//! How the endpoints of acts of several steps are called, as far as one person gets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::sha256;
use domain::Role;
use serde_json::{Value, json};
use uuid::Uuid;
use wire::erasure::{ERASURES, ERASURES_HOLDS, ERASURES_HOLDS_LIFT, ERASURES_READ};
use wire::imports as api;
use wire::notices::{HELD_LIST, NOTICES_LIST, NOTICES_SENT};
use wire::quarantine::QUARANTINE_LIST;

use super::{Row, Scene};

const IMPORT: Uuid = Uuid::from_u128(8);
const HOLD: Uuid = Uuid::from_u128(9);

pub(super) fn row(scene: &Scene) -> Option<Row> {
    let (clerk, supervisor) = (Some(Role::Clerk), Some(Role::Supervisor));
    let text = format!("{}\n", interchange::layout::DOSES_1.header());
    let named = |import: Uuid| json!({ "import": import });
    let page = |limit: u16| json!({ "from": 0, "limit": limit });
    Some(match scene.path {
        api::IMPORTS => {
            let announce = |sha256: &str| {
                json!({
                    "import": IMPORT, "purpose": "register", "totalBytes": text.len(),
                    "sha256": sha256,
                })
            };
            let digest = sha256(text.as_bytes()).map(|byte| format!("{byte:02x}")).concat();
            Row::new(clerk, announce(&digest), announce("0"))
        }
        api::IMPORTS_PARTS => {
            let bytes = STANDARD.encode(text.as_bytes());
            let part = |import: Uuid| json!({ "import": import, "part": 0, "bytes": bytes });
            Row::new(clerk, part(IMPORT), part(Uuid::nil()))
        }
        api::IMPORTS_CHECK | api::IMPORTS_READ => {
            Row::new(clerk, named(IMPORT), named(Uuid::nil()))
        }
        api::IMPORTS_LIST => Row::new(clerk, json!({}), Value::Null),
        api::IMPORTS_DISCARD => Row::new(supervisor, named(IMPORT), named(Uuid::nil())),
        QUARANTINE_LIST => Row::new(clerk, json!({ "limit": 9 }), json!({ "limit": 0 })),
        NOTICES_LIST | NOTICES_SENT => Row::new(clerk, page(9), page(0)),
        HELD_LIST => Row::new(supervisor, page(9), page(0)),
        ERASURES_READ => Row::new(supervisor, json!({}), Value::Null),
        ERASURES => {
            let propose = |subjects: &[Uuid]| {
                json!({
                    "erasure": Uuid::from_u128(10), "reason": "requested",
                    "scope": { "kind": "persons", "subjects": subjects },
                })
            };
            let row = Row::new(supervisor, propose(&[scene.stranger]), propose(&[]));
            Row { knows_subject: true, ..row }
        }
        ERASURES_HOLDS => {
            let hold = |subject: Option<Uuid>| json!({ "hold": HOLD, "subject": subject, "reason": "audit" });
            let row = Row::new(supervisor, hold(Some(scene.stranger)), hold(None));
            Row { knows_subject: true, ..row }
        }
        ERASURES_HOLDS_LIFT => {
            let lift = |hold: Uuid| json!({ "hold": hold });
            Row { knows_subject: true, ..Row::new(supervisor, lift(HOLD), lift(Uuid::nil())) }
        }
        _ => return None,
    })
}
