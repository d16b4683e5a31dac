//! Custodians and their orders.

use std::path::Path;

use audit::{Order, OrderAct};
use crypto::SigningKey;
use domain::{RequestId, ServiceKind};
use ledger::{KeyName, Note, Origin, Signer};
use uuid::Uuid;
use wire::CallError;
use wire::provision_log::{Act, LeafBody, ORDERS, Receipt, SignedOrder};

use crate::support::{World, clock};

pub(super) struct Custodian {
    pub(super) signer: Signer,
}

impl Custodian {
    pub(super) fn new(folder: &Path, name: &str) -> Self {
        let key = SigningKey::create(&folder.join(format!("{name}.pem"))).unwrap();
        let name = KeyName::parse(&format!("watari.example/custodian/{name}")).unwrap();
        Self { signer: Signer::new(name, key.into_ed25519()) }
    }
}

/// As the log is configured with them.
pub(super) fn named(custodians: &[Custodian]) -> Vec<String> {
    custodians.iter().map(|one| one.signer.verifier().to_string()).collect()
}

pub(super) fn signed(origin: &Origin, order: OrderAct, by: &[Custodian]) -> String {
    signed_by(origin, order, &by.iter().collect::<Vec<_>>())
}

pub(super) fn signed_by(origin: &Origin, order: OrderAct, by: &[&Custodian]) -> String {
    let now = i64::try_from(clock().now().unix_timestamp_nanos() / 1_000_000).unwrap();
    let order = Order { id: Uuid::new_v4(), issued_at_unix_ms: now, order };
    let mut note = Note::from_parts(order.note_text(origin), Vec::new()).unwrap();
    for custodian in by {
        note.add_signature(&custodian.signer);
    }
    note.to_string()
}

/// Sends an order as national operations do.
pub(super) async fn submit(world: &World, note: &str) -> Result<Receipt, CallError> {
    let national = &world.cast.national;
    let desk = world.desk(national).await;
    let log = world.site.client(national.terminal.as_str(), ServiceKind::ProvisionLog).unwrap();
    let order = SignedOrder { note: note.to_owned() };
    log.post(ORDERS, &RequestId::make_random(), Some(&desk.session().token), &order).await
}

/// The id of the order in a body.
pub(super) fn id_in(body: &[u8]) -> Uuid {
    let body: LeafBody = serde_json::from_slice(body).unwrap();
    let Act::Order(order) = body.act else { panic!("no order") };
    let text = order.note.lines().nth(1).unwrap();
    let order: Order = serde_json::from_str(text).unwrap();
    order.id
}
