//! Orders of the custodians are written down if they are lawful, and destroy nothing by themselves.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use std::sync::Arc;

use audit::{Destroy, Hold, IndexRange, LiftHold, Order, OrderAct, Scope};
use domain::FixedClock;
use ledger::{Hash, KeyName, Note, Origin, Signer, leaf_hash};
use provision_log::{Keys, Log, Opening};
use service::ApiError;
use time::Duration;
use time::macros::{date, datetime};
use uuid::Uuid;
use wire::provision_log::{Act, Entry, LeafBody, Receipt, SignedOrder};
use world::{ORIGIN, World, code, nothing, provided};

/// A log of November 2026 with three entries, the second one of Uruma; custodians are Kimura and
/// Sato.
struct Stage {
    world: World,
    log: Log,
    clock: Arc<FixedClock>,
}

fn custodian(world: &World, name: &str) -> Signer {
    let path = world.folder.path().join(name);
    if !path.exists() {
        crypto::SigningKey::create(&path).unwrap();
    }
    let name = KeyName::parse(&format!("{ORIGIN}/custodian/{name}")).unwrap();
    Signer::new(name, crypto::SigningKey::load(&path).unwrap().into_ed25519())
}

impl Stage {
    async fn each() -> Vec<Self> {
        let mut stages = Vec::new();
        for world in World::each().await {
            let clock = Arc::new(FixedClock::at(datetime!(2026-11-20 03:00 UTC)));
            let log = open(&world, &clock).await;
            let uruma = Entry { inquirer: code("472131"), ..provided(2) };
            for entry in [provided(1), uruma, nothing()] {
                log.append(entry).await.unwrap();
            }
            stages.push(Self { world, log, clock });
        }
        stages
    }

    fn signed(&self, order: &Order, by: &[&str]) -> SignedOrder {
        let text = order.note_text(&Origin::parse(ORIGIN).unwrap());
        let mut note = Note::from_parts(text, Vec::new()).unwrap();
        by.iter().for_each(|name| note.add_signature(&custodian(&self.world, name)));
        SignedOrder { note: note.to_string() }
    }

    async fn order(&self, act: OrderAct, by: &[&str]) -> Result<Receipt, ApiError> {
        self.log.order(self.signed(&make(act), by)).await
    }

    /// The part at fault.
    async fn refused(&self, act: OrderAct, by: &[&str]) -> String {
        let error = self.order(act, by).await.unwrap_err();
        assert_eq!((error.kind().code, error.kind().status), ("unlawful-order", 422));
        error.problem("r").field.unwrap()
    }

    /// The slip for all of the month but these.
    async fn slip(&self, range: (u64, u64), held: &[u64], destroyed: &[usize]) -> Destroy {
        let bodies = self.world.bodies().await;
        let leaves: Vec<Hash> =
            destroyed.iter().map(|index| leaf_hash(bodies.get(*index).unwrap())).collect();
        let joined: Vec<u8> = leaves.iter().flat_map(Hash::as_bytes).copied().collect();
        Destroy {
            segment: 202_611.try_into().unwrap(),
            ranges: vec![range],
            held: held.to_vec(),
            bodies: u64::try_from(destroyed.len()).unwrap(),
            digest: Hash::from(crypto::sha256(&joined)),
            kept_through: date!(2033 - 11 - 30),
            years: 7,
        }
    }
}

async fn open(world: &World, clock: &Arc<FixedClock>) -> Log {
    let custodians = ["kimura", "sato"].map(|name| custodian(world, name).verifier().clone());
    let keys = Keys { custodians: custodians.to_vec(), ..Keys::new(world.signer()) };
    let clock: Arc<dyn domain::Clock> = Arc::<FixedClock>::clone(clock);
    world.try_open_at(Opening { keys, ..world.opening() }, clock).await.unwrap()
}

fn make(order: OrderAct) -> Order {
    Order { id: Uuid::now_v7(), issued_at_unix_ms: 1_795_000_000_000, order }
}

fn hold(scope: Scope) -> OrderAct {
    OrderAct::Hold(Hold { scope, reason: "a lawsuit".to_owned() })
}

const BOTH: [&str; 2] = ["kimura", "sato"];

#[tokio::test]
async fn a_lawful_order_stands_in_the_log_once_and_destroys_nothing() {
    for stage in Stage::each().await {
        let uruma = hold(Scope::Municipality(code("472131")));
        let held = stage.order(uruma, &["kimura"]).await.unwrap();
        assert_eq!(held.index, 3);
        stage.clock.advance(Duration::days(8 * 366));
        let order = make(OrderAct::Destroy(stage.slip((0, 4), &[1], &[0, 2]).await));
        let signed = stage.signed(&order, &BOTH);
        let receipt = stage.log.order(signed.clone()).await.unwrap();
        assert_eq!(receipt.index, 4);
        let body: LeafBody = serde_json::from_str(&receipt.entry).unwrap();
        assert_eq!(body.act, Act::Order(signed.clone()));
        assert!(body.logged_at_unix_ms > 2_000_000_000_000);

        let again = stage.log.order(signed).await.unwrap();
        assert_eq!((again.index, again.entry), (4, receipt.entry));
        let other = Order { issued_at_unix_ms: 1, ..order.clone() };
        let reused = stage.log.order(stage.signed(&other, &BOTH)).await.unwrap_err();
        assert_eq!(reused.problem("r").field.as_deref(), Some("id"));
        let twice = stage.refused(order.order, &BOTH).await;
        assert_eq!(twice, "ranges (entry 0 is gone)");
        stage.world.assert_whole(&stage.log, 5).await;
        let log = open(&stage.world, &stage.clock).await;
        assert_eq!(stage.world.read(&log.checkpoint()).size, 5);
    }
}

#[tokio::test]
async fn a_hold_counts_until_two_custodians_lift_it() {
    for stage in Stage::each().await {
        let scope = Scope::Range(IndexRange { from_index: 2, to_index: 100 });
        let order = make(hold(scope));
        stage.log.order(stage.signed(&order, &["sato"])).await.unwrap();
        stage.clock.advance(Duration::days(8 * 366));
        let slip = stage.slip((0, 3), &[], &[0, 1, 2]).await;
        let destroy = || OrderAct::Destroy(slip.clone());
        assert_eq!(stage.refused(destroy(), &BOTH).await, "held (entry 2 is)");
        let lift = || OrderAct::LiftHold(LiftHold { hold: order.id });
        assert_eq!(stage.refused(lift(), &["sato"]).await, "signatures (2 needed)");
        let unknown = OrderAct::LiftHold(LiftHold { hold: Uuid::now_v7() });
        assert_eq!(stage.refused(unknown, &BOTH).await, "hold");
        stage.order(lift(), &BOTH).await.unwrap();
        assert_eq!(stage.refused(lift(), &BOTH).await, "hold");
        stage.order(destroy(), &BOTH).await.unwrap();
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_slip_is_named() {
    type Change = fn(&mut Destroy);
    let cases: [(&str, Change); 9] = [
        ("ranges", |slip| slip.ranges = vec![(0, 9)]),
        ("ranges", |slip| slip.ranges = Vec::new()),
        ("held", |slip| slip.held = vec![7]),
        ("years (7 needed)", |slip| slip.years = 5),
        ("keptThrough (2033-11-30)", |slip| slip.kept_through = date!(2033 - 11 - 29)),
        ("bodies (3)", |slip| slip.bodies = 2),
        ("digest", |slip| slip.digest = leaf_hash(b"other")),
        ("keptThrough (2033-10-31)", |slip| slip.segment = 202_610.try_into().unwrap()),
        ("ranges (entry 0 is of another month)", |slip| {
            slip.segment = 202_610.try_into().unwrap();
            slip.kept_through = date!(2033 - 10 - 31);
        }),
    ];
    for stage in Stage::each().await {
        let sound = stage.slip((0, 3), &[], &[0, 1, 2]).await;
        let early = stage.refused(OrderAct::Destroy(sound.clone()), &BOTH).await;
        assert_eq!(early, "keptThrough (not over yet)");
        stage.clock.advance(Duration::days(8 * 366));
        for (part, change) in cases {
            let mut slip = sound.clone();
            change(&mut slip);
            assert_eq!(stage.refused(OrderAct::Destroy(slip), &BOTH).await, part);
        }
        for by in [&["kimura"][..], &["kimura", "stranger"]] {
            let few = stage.refused(OrderAct::Destroy(sound.clone()), by).await;
            assert_eq!(few, "signatures (2 needed)");
        }
        let strange = stage.refused(OrderAct::Destroy(sound.clone()), &["stranger"]).await;
        assert_eq!(strange, "signatures");
        stage.world.sql("INSERT INTO cosigned VALUES (2, 2000000000000, 'note')").await;
        let young = stage.refused(OrderAct::Destroy(sound), &BOTH).await;
        assert_eq!(young, "ranges (witnesses saw only 2 entries)");
        stage.world.assert_whole(&stage.log, 3).await;
    }
}

#[tokio::test]
async fn without_custodians_no_order_is_taken() {
    for world in World::each().await {
        let log = world.open().await;
        let stage =
            Stage { world, log, clock: Arc::new(FixedClock::at(datetime!(2026-11-20 03:00 UTC))) };
        let refused = stage.refused(hold(Scope::Entries(vec![0])), &BOTH).await;
        assert_eq!(refused, "signatures");
        let shapeless = stage.log.order(SignedOrder { note: "nonsense".to_owned() }).await;
        assert_eq!(shapeless.unwrap_err().kind().code, "unlawful-order");
    }
}
