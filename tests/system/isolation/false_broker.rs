//! A broker with the real one's certificate and permit key, which does its work and then lies.

use std::sync::{Arc, Mutex};

use actix_web::web::{Data, Json, post};
use crypto::SigningKey;
use domain::{Action, RequestId, ServiceKind};
use jsonwebtoken::EncodingKey;
use ledger::{Checkpoint, Hash, KeyName, Origin, Signer, Tree, leaf_hash};
use service::metrics::Metrics;
use service::server::{Running, Setup};
use service::{ApiError, Body, Endpoint, Participants, health};
use wire::Client;
use wire::broker::{BrokerAnswer, BrokerInquiry, INQUIRIES};
use wire::partition::{PROVIDE, ProvideAnswer};
use wire::provision_log::{ENTRIES, End, Entry, Receipt};
use wire::tls::TlsIdentity;

use super::letter::{claims, permit, permit_key, request};
use crate::support::{World, clock};

static ENDPOINTS: &[Endpoint] = &[
    Endpoint::post(INQUIRIES, Action::RouteInquiry),
    health::LIVE,
    health::READY,
    health::METRICS,
];

/// What is put on record otherwise than it was, and what is told otherwise.
#[derive(Clone, Copy)]
pub(super) struct Lie {
    pub(super) name: &'static str,
    pub(super) log: fn(&mut Entry),
    pub(super) tell: fn(&mut BrokerAnswer, &Loot),
}

/// What a liar has at hand.
pub(super) struct Loot {
    /// The first answer that came by, to another inquiry of the same asker.
    pub(super) earlier: BrokerAnswer,
    /// Signs as the log does, under its name, with another key.
    pub(super) other_key: Signer,
    /// The log's own signer, if it signs for another log.
    pub(super) log_key: Signer,
}

impl Lie {
    pub(super) const TRUTH: Self = Self { name: "truth", log: |_| (), tell: |_, _| () };
}

pub(super) struct FalseBroker {
    state: Arc<State>,
    _running: Running,
}

struct State {
    lie: Mutex<Lie>,
    earlier: Mutex<Option<BrokerAnswer>>,
    permit_key: EncodingKey,
    partition: Client,
    log: Client,
    origin: KeyName,
    log_key_file: std::path::PathBuf,
}

impl FalseBroker {
    /// Takes the real broker's place, at its very address.
    pub(super) async fn start(world: &mut World) -> Self {
        world.house.stop_one(ServiceKind::Broker).await;
        let config = world.house.settings.broker().unwrap().clone();
        let log = world.house.settings.provision_log().unwrap();
        let client = |service| world.site.client("broker", service).unwrap();
        let state = Arc::new(State {
            lie: Mutex::new(Lie::TRUTH),
            earlier: Mutex::new(None),
            permit_key: permit_key(world),
            partition: client(ServiceKind::Partition),
            log: client(ServiceKind::ProvisionLog),
            origin: KeyName::parse(&log.origin).unwrap(),
            log_key_file: log.signing_key.clone(),
        });
        let setup = Setup {
            service: "broker",
            listen: config.listen,
            identity: TlsIdentity::load(&config.tls).unwrap(),
            endpoints: ENDPOINTS,
            participants: Participants::new(30),
            clock: clock(),
            metrics: Metrics::default(),
            ready: Arc::new(|| Box::pin(async { Vec::new() })),
        };
        let data = Data::from(Arc::clone(&state));
        let running = service::server::start(setup, move |app| {
            app.app_data(data.clone()).route(INQUIRIES, post().to(route));
        });
        Self { state, _running: running.unwrap() }
    }

    pub(super) fn tell(&self, lie: Lie) {
        *self.state.lie.lock().unwrap() = lie;
    }
}

async fn route(
    state: Data<State>,
    Body(inquiry): Body<BrokerInquiry>,
) -> Result<Json<BrokerAnswer>, ApiError> {
    let lie = *state.lie.lock().unwrap();
    let mut answer = state.work(inquiry, lie).await;
    let earlier = state.earlier.lock().unwrap().get_or_insert_with(|| answer.clone()).clone();
    (lie.tell)(&mut answer, &state.loot(earlier));
    Ok(Json(answer))
}

impl State {
    /// Permits, asks the provider and has the outcome logged, as the real one does.
    async fn work(&self, inquiry: BrokerInquiry, lie: Lie) -> BrokerAnswer {
        let claims = claims(&inquiry);
        let (id, header) = (RequestId::make_random(), inquiry.header.clone());
        let sent = request(inquiry, permit(&self.permit_key, &claims));
        let answer: ProvideAnswer = self.partition.post(PROVIDE, &id, None, &sent).await.unwrap();
        let end = answer.commitment.map_or_else(End::nothing, End::provided);
        let now_unix_ms = clock().now().unix_timestamp() * 1_000;
        let mut entry = Entry::of(&header, claims.jti, end, now_unix_ms);
        (lie.log)(&mut entry);
        let receipt: Receipt = self.log.post(ENTRIES, &id, None, &entry).await.unwrap();
        BrokerAnswer { routed: true, sealed: answer.sealed, receipt }
    }

    fn loot(&self, earlier: BrokerAnswer) -> Loot {
        let signer = |key: SigningKey| Signer::new(self.origin.clone(), key.into_ed25519());
        Loot {
            earlier,
            other_key: signer(SigningKey::make_random().unwrap()),
            log_key: signer(SigningKey::load(&self.log_key_file).unwrap()),
        }
    }
}

/// The checkpoint's text without its signatures.
pub(super) fn unsigned(receipt: &Receipt) -> String {
    let (text, _) = receipt.checkpoint.split_once("\n\n").unwrap();
    format!("{text}\n\n")
}

/// The same claim, signed by somebody else.
pub(super) fn resigned(receipt: &Receipt, signer: &Signer, origin: Option<&str>) -> String {
    let text = format!("{}\n", receipt.checkpoint.split_once("\n\n").unwrap().0);
    let mut checkpoint = Checkpoint::parse(&text).unwrap();
    if let Some(origin) = origin {
        checkpoint.origin = Origin::parse(origin).unwrap();
    }
    checkpoint.sign(signer).to_string()
}

/// A log of this one entry, which is really in it.
pub(super) fn private_log(receipt: &mut Receipt, signer: &Signer) {
    let text = format!("{}\n", receipt.checkpoint.split_once("\n\n").unwrap().0);
    let origin = Checkpoint::parse(&text).unwrap().origin;
    let mut tree = Tree::new();
    tree.append(leaf_hash(receipt.entry.as_bytes()));
    let checkpoint = Checkpoint { origin, size: tree.size(), root: tree.root() };
    receipt.checkpoint = checkpoint.sign(signer).to_string();
    (receipt.index, receipt.proof) = (0, Vec::new());
}

/// Any hash that is in no log.
pub(super) fn stray_hash() -> Vec<u8> {
    Hash::from([7; Hash::LEN]).as_bytes().to_vec()
}
