//! The owner destroys what an order in the log names, and a month is really gone.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use std::sync::Arc;

use audit::{
    Destroy, Evidence, Extent, Hold, LiftHold, NoSlip, Order, OrderAct, Report, Scope, Survey,
    Trust,
};
use db::{DbError, DbUrl, Tx, on_engine};
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};
use domain::retention::{RetentionRules, Segment};
use domain::{Clock, FixedClock, OperatorId};
use ledger::{KeyName, Note, Origin, Signer};
use provision_log::offline::Database;
use provision_log::{DestroyError, Destroyed, Keys, Log, Opening, destroy};
use time::Duration;
use time::macros::{date, datetime};
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::provision_log::{Entry, SignedOrder};
use world::{ORIGIN, World, code, provided};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Text)]
    text: String,
}

/// Stands in every body of November 2026 and in no other.
const MARKER: &str = "clerk-of-a-month-that-goes";
/// Entries of November; the last of them is about Uruma.
const NOVEMBER: u64 = 300;

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

const BOTH: [&str; 2] = ["kimura", "sato"];

impl Stage {
    /// 300 entries of November, 20 of December, and eight years later.
    async fn each() -> Vec<Self> {
        let mut stages = Vec::new();
        for world in World::each().await {
            let clock = Arc::new(FixedClock::at(datetime!(2026-11-20 03:00 UTC)));
            let custodians = BOTH.map(|name| custodian(&world, name).verifier().clone());
            let keys = Keys { custodians: custodians.to_vec(), ..Keys::new(world.signer()) };
            let opening = Opening { keys, ..world.opening() };
            let own_clock: Arc<dyn Clock> = Arc::<FixedClock>::clone(&clock);
            let log = world.try_open_at(opening, own_clock).await.unwrap();
            let operator = OperatorId::parse(MARKER).unwrap();
            let marked = || Entry { operator: operator.clone(), ..provided(7) };
            let appends = (1..NOVEMBER).map(|_| {
                let (log, entry) = (log.clone(), marked());
                async move { log.append(entry).await.unwrap() }
            });
            appends.collect::<JoinSet<_>>().join_all().await;
            log.append(Entry { inquirer: code("472131"), ..marked() }).await.unwrap();
            clock.advance(Duration::days(20));
            for _ in 0..20 {
                log.append(provided(8)).await.unwrap();
            }
            clock.advance(Duration::days(8 * 366));
            stages.push(Self { world, log, clock });
        }
        stages
    }

    fn owner(&self) -> DbUrl {
        self.world.t.owner.clone()
    }

    fn trust(&self) -> Trust {
        Trust {
            origin: Origin::parse(ORIGIN).unwrap(),
            log: vec![self.world.signer().verifier().clone()],
            witnesses: Vec::new(),
            custodians: BOTH.map(|name| custodian(&self.world, name).verifier().clone()).to_vec(),
            retention: RetentionRules::shipped(),
        }
    }

    /// Off-line work blocks.
    async fn off_line<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database, &Trust) -> T + Send + 'static,
    ) -> T {
        let (owner, trust) = (self.owner(), self.trust());
        let work = move || work(&mut Database::open(&owner).unwrap(), &trust);
        tokio::task::spawn_blocking(work).await.unwrap()
    }

    async fn verify(&self) -> Report {
        let extent = Extent { since: None, thorough: true };
        self.off_line(move |source, trust| {
            audit::verify(source, trust, Evidence::default(), &extent)
        })
        .await
    }

    async fn draft(&self) -> Vec<Destroy> {
        let november = Segment::try_from(202_611).unwrap();
        self.off_line(move |source, trust| {
            let survey = Survey::of(source, trust).unwrap();
            survey.draft(source, november, date!(2034 - 12 - 20)).unwrap()
        })
        .await
    }

    fn signed(&self, order: OrderAct, by: &[&str]) -> (Uuid, String) {
        let id = Uuid::now_v7();
        let order = Order { id, issued_at_unix_ms: 1_795_000_000_000, order };
        let text = order.note_text(&Origin::parse(ORIGIN).unwrap());
        let mut note = Note::from_parts(text, Vec::new()).unwrap();
        by.iter().for_each(|name| note.add_signature(&custodian(&self.world, name)));
        (id, note.to_string())
    }

    /// Signed and in the log.
    async fn order(&self, order: OrderAct, by: &[&str]) -> (Uuid, String) {
        let (id, note) = self.signed(order, by);
        self.log.order(SignedOrder { note: note.clone() }).await.unwrap();
        (id, note)
    }

    async fn destroy(&self, note: &str) -> Result<Destroyed, DestroyError> {
        destroy(&self.owner(), note, self.trust()).await
    }

    async fn bodies(&self) -> i64 {
        let sql = "SELECT count(*) AS number, '' AS text FROM entry";
        self.ask(sql).await.number
    }

    /// Whether SQLite has the marker anywhere on disk; a test of the whole system asks PostgreSQL.
    async fn holds_marker_if_sqlite(&self) -> bool {
        if !self.world.t.is_sqlite() {
            return false;
        }
        let sql = "SELECT 0 AS number, file AS text FROM pragma_database_list WHERE name = 'main'";
        let path = self.ask(sql).await.text;
        let marker = MARKER.as_bytes();
        ["", "-wal", "-shm"].iter().any(|ending| {
            let bytes = std::fs::read(format!("{path}{ending}")).unwrap_or_default();
            bytes.windows(marker.len()).any(|window| window == marker)
        })
    }

    async fn ask(&self, sql: &'static str) -> Row {
        self.world.t.as_owner(move |tx| on_engine!(tx, c => sql_query(sql).get_result(c))).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_is_gone_from_the_disk_and_all_that_is_left_still_verifies() {
    for stage in Stage::each().await {
        let before = stage.log.checkpoint();
        let slips = stage.draft().await;
        assert_eq!((slips.len(), slips[0].bodies), (1, NOVEMBER));
        let (_, note) = stage.order(OrderAct::Destroy(slips[0].clone()), &BOTH).await;
        assert!(stage.verify().await.sound);
        assert_eq!(stage.holds_marker_if_sqlite().await, stage.world.t.is_sqlite());
        let done = stage.destroy(&note).await.unwrap();
        assert_eq!((done.index, done.bodies), (320, NOVEMBER));
        assert!(done.bytes_after < done.bytes_before, "{done:?}");
        assert!(!stage.holds_marker_if_sqlite().await);
        let report = stage.verify().await;
        assert!(report.sound, "{report}");
        assert_eq!((report.entries, report.destroyed), (21, NOVEMBER));

        let again = stage.destroy(&note).await.unwrap();
        assert_eq!((again.bodies, again.bytes_before), (0, again.bytes_after));
        // The service has noticed nothing.
        stage.log.append(provided(9)).await.unwrap();
        stage.world.assert_grew(&stage.log, &before, &stage.log.checkpoint()).await;
        let report = stage.verify().await;
        assert!(report.sound && report.size == 322, "{report}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_stays_until_the_hold_is_lifted() {
    for stage in Stage::each().await {
        let scope = Scope::Municipality(code("472131"));
        let hold = Hold { scope, reason: "a lawsuit".to_owned() };
        let (held, _) = stage.order(OrderAct::Hold(hold), &["sato"]).await;
        let slip = stage.draft().await.remove(0);
        assert_eq!((slip.bodies, slip.held.as_slice()), (NOVEMBER - 1, &[299][..]));
        let (_, note) = stage.order(OrderAct::Destroy(slip), &BOTH).await;
        assert_eq!(stage.destroy(&note).await.unwrap().bodies, NOVEMBER - 1);
        let report = stage.verify().await;
        assert!(report.sound && report.destroyed == NOVEMBER - 1, "{report}");
        assert!(stage.draft().await.is_empty());

        stage.order(OrderAct::LiftHold(LiftHold { hold: held }), &BOTH).await;
        let slip = stage.draft().await.remove(0);
        assert_eq!((slip.bodies, slip.ranges.as_slice()), (1, &[(299, 300)][..]));
        let (_, note) = stage.order(OrderAct::Destroy(slip), &BOTH).await;
        assert_eq!(stage.destroy(&note).await.unwrap().bodies, 1);
        let report = stage.verify().await;
        assert!(report.sound && report.destroyed == NOVEMBER, "{report}");
        assert_eq!(stage.bodies().await, 24);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_not_in_the_log_destroys_nothing() {
    for stage in Stage::each().await {
        let slip = stage.draft().await.remove(0);
        let (_, note) = stage.signed(OrderAct::Destroy(slip.clone()), &BOTH);
        let refused = stage.destroy(&note).await;
        assert!(matches!(refused, Err(DestroyError::NoSlip(NoSlip::NotInTheLog))), "{refused:?}");
        let (_, unsigned) = stage.signed(OrderAct::Destroy(slip.clone()), &[]);
        assert!(matches!(
            stage.destroy(&unsigned).await,
            Err(DestroyError::NoSlip(NoSlip::Order(_)))
        ));
        let hold = Hold { scope: Scope::Entries(vec![1]), reason: String::new() };
        let (_, hold) = stage.order(OrderAct::Hold(hold), &BOTH).await;
        assert!(matches!(
            stage.destroy(&hold).await,
            Err(DestroyError::NoSlip(NoSlip::NotInTheLog))
        ));

        let (_, note) = stage.order(OrderAct::Destroy(stage.draft().await.remove(0)), &BOTH).await;
        let damage = (
            "DROP TRIGGER entry_is_not_changed; UPDATE entry SET body = \
             CAST(replace(CAST(body AS TEXT), 'koriyama-1', 'koriyama-2') AS BLOB) WHERE seq = 5",
            "UPDATE entry SET body = convert_to(replace(convert_from(body, 'UTF8'), \
             'koriyama-1', 'koriyama-2'), 'UTF8') WHERE seq = 5",
        );
        stage.world.sql_of(damage.0, damage.1).await;
        let refused = stage.destroy(&note).await;
        assert!(matches!(refused, Err(DestroyError::NoSlip(NoSlip::Unsound(_)))), "{refused:?}");
        assert_eq!(stage.bodies().await, 322);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_years_of_clock_destroy_nothing_by_themselves() {
    for stage in Stage::each().await {
        stage.clock.advance(Duration::days(8 * 366));
        stage.log.append(provided(1)).await.unwrap();
        assert_eq!(stage.bodies().await, 321);
        assert!(stage.verify().await.sound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_fails_half_way_leaves_everything_as_it_was() {
    for stage in Stage::each().await {
        let slip = stage.draft().await.remove(0);
        let (_, note) = stage.order(OrderAct::Destroy(slip), &BOTH).await;
        let plant = (
            "CREATE TRIGGER planted AFTER DELETE ON entry WHEN OLD.seq = 299 \
             BEGIN SELECT RAISE(ABORT, 'planted'); END;",
            "CREATE TABLE entry_202611_kept (x INTEGER)",
        );
        stage.world.sql_of(plant.0, plant.1).await;
        let failed = stage.destroy(&note).await;
        assert!(matches!(failed, Err(DestroyError::Db(_))), "{failed:?}");
        assert_eq!(stage.bodies().await, 321);
        assert!(stage.verify().await.sound);
        let changed = stage.world.t.db.transaction("test", delete_one).await;
        assert!(changed.is_err(), "the log is as closed to others as before");

        stage.world.sql_of("DROP TRIGGER planted", "DROP TABLE entry_202611_kept").await;
        assert_eq!(stage.destroy(&note).await.unwrap().bodies, NOVEMBER);
        assert!(stage.world.t.db.transaction("test", delete_one).await.is_err());
        let report = stage.verify().await;
        assert!(report.sound, "{report}");
    }
}

fn delete_one(tx: &mut Tx) -> Result<(), DbError> {
    on_engine!(tx, c => sql_query("DELETE FROM entry WHERE seq = 310").execute(c))?;
    Ok(())
}
