//! Seven years and then really gone: no byte of a destroyed body is left, and everything else holds.

use std::fs;
use std::path::{Path, PathBuf};

use audit::{Destroy, Evidence, OrderAct, Proven, Stored, StoredError, Survey, Trust};
use db::DbUrl;
use domain::ServiceKind;
use domain::retention::{Segment, japanese_day};
use ledger::{Hash, TileId, verify_inclusion};
use provision_log::offline::Database;
use time::macros::datetime;
use watari::Settings;
use wire::provision_log::Receipt;

use super::copies::{Copy, on_server};
use super::master::{alone, inquire, owner_url_of, trust, unlimited};
use super::orders::{self, Custodian};
use super::{copies, oracle, past, rows};
use crate::support::{Engine, RUNTIME, World, clock, postgres_url};

/// So many entries of a month whose time is over, and of one whose time is not.
const OLD: usize = 400;
const YOUNG: usize = 60;

#[test]
fn a_destroyed_month_leaves_no_trace_and_all_proofs_hold() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let _turn = alone();
        RUNTIME.block_on(destroy_on(engine));
    }
}

async fn destroy_on(engine: Engine) {
    let folder = tempfile::tempdir().unwrap();
    let custodians = ["kimura", "sato"].map(|name| Custodian::new(folder.path(), name));
    let marker = marker();
    let change = |settings: &mut Settings| {
        settings.provision_log.as_mut().unwrap().custodians = orders::named(&custodians);
        unlimited(settings);
    };
    let mut receipts = Vec::new();
    let prepare = async |settings: &Settings| {
        let old = datetime!(2018-05-10 03:00 UTC);
        receipts.extend(past::log(settings, old, OLD, &marker).await);
        let young = datetime!(2024-05-10 03:00 UTC);
        receipts.extend(past::log(settings, young, YOUNG, "t-young").await);
    };
    let owner_url = (engine == Engine::Postgres).then(postgres_url);
    let world = World::start_prepared(owner_url, change, clock(), prepare).await;
    inquire(&world, 2).await;
    let log = Pruned {
        url: owner_url_of(&world.site.settings),
        trust: trust(&world.site.settings),
        marker,
    };
    assert!(!log.files_with_marker().is_empty(), "the search finds what is there");
    let (before, report) = (log.bytes(), log.sound());

    let slip = log.draft();
    let note = orders::signed(&log.trust.origin, OrderAct::Destroy(slip), &custodians);
    // The order is refused with one signature, and alone destroys nothing.
    let slip = OrderAct::Destroy(log.draft());
    let lonely = orders::signed(&log.trust.origin, slip, &custodians[..1]);
    orders::submit(&world, &lonely).await.unwrap_err();
    orders::submit(&world, &note).await.unwrap();
    let count = |report: &audit::Report| (report.entries, report.destroyed);
    assert_eq!(count(&log.sound()), (report.entries + 1, 0));

    // The services run on while the owner destroys.
    let owner = DbUrl::parse(&log.url).unwrap();
    let done = provision_log::destroy(&owner, &note, log.trust.clone()).await.unwrap();
    assert_eq!(done.bodies, u64::try_from(OLD).unwrap());
    assert_eq!(count(&log.sound()), (report.entries + 1 - done.bodies, done.bodies));
    inquire(&world, 1).await;
    assert!(log.bytes() < before, "{} bytes, before {before}", log.bytes());
    log.forget().await;
    assert_eq!(log.files_with_marker(), Vec::<PathBuf>::new());
    log.assert_proofs_hold(&receipts);
    // Done again, it destroys nothing more.
    let again = provision_log::destroy(&owner, &note, log.trust.clone()).await.unwrap();
    assert_eq!(again.bodies, 0);

    world.house.stop().await;
    let report = log.sound();
    let export = Copy::of(&log.url).export(&folder);
    let (theirs, found) = oracle::verify(&export, &log.trust, &[]);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(theirs["destroyed"], report.destroyed);
    // Also when it starts again.
    let World { site, .. } = world;
    let mut house = watari::house::House::start(site.settings, &[], &clock()).await.unwrap();
    house.start_one(ServiceKind::Registry, &clock()).await.unwrap();
    house.start_one(ServiceKind::ProvisionLog, &clock()).await.unwrap();
    house.stop().await;
    assert_eq!(log.sound().destroyed, report.destroyed);
}

/// Letters that nobody else writes.
fn marker() -> String {
    let id = uuid::Uuid::new_v4().simple().to_string();
    id.bytes()
        .map(|byte| char::from(if byte.is_ascii_digit() { byte + 64 } else { byte }))
        .collect()
}

struct Pruned {
    /// As the owner reaches it.
    url: String,
    trust: Trust,
    /// Stands in every body that is to be destroyed, and nowhere else.
    marker: String,
}

impl Pruned {
    fn source(&self) -> Database {
        Database::open(&DbUrl::parse(&self.url).unwrap()).unwrap()
    }

    fn sound(&self) -> audit::Report {
        let report = copies::verify(&mut self.source(), &self.trust, Evidence::default());
        assert!(report.sound, "{report:?}");
        report
    }

    fn draft(&self) -> Destroy {
        let mut source = self.source();
        let survey = Survey::of(&mut source, &self.trust).unwrap();
        let today = japanese_day(clock().now().unix_timestamp() * 1_000).unwrap();
        let old = Segment::try_from(201_805).unwrap();
        let mut slips = survey.draft(&mut source, old, today).unwrap();
        assert_eq!(slips.len(), 1);
        // The young month is not to be had.
        let young = Segment::try_from(202_405).unwrap();
        survey.draft(&mut source, young, today).unwrap_err();
        slips.remove(0)
    }

    fn sqlite_file(&self) -> Option<&Path> {
        self.url.strip_prefix("sqlite:").map(Path::new)
    }

    /// Bytes of the database on disk.
    fn bytes(&self) -> u64 {
        match self.sqlite_file() {
            Some(file) => {
                rows::execute(&mut rows::connect(&self.url), "PRAGMA wal_checkpoint(TRUNCATE)");
                fs::metadata(file).unwrap().len()
            }
            None => rows::database_bytes(&mut rows::connect(&self.url)),
        }
    }

    /// Lets the engine drop what it keeps for its own safety, as it does by itself in time.
    async fn forget(&self) {
        if self.sqlite_file().is_none() {
            for _ in 0..2 {
                on_server("SELECT pg_switch_wal(); CHECKPOINT");
            }
        }
    }

    /// Files of the engine in which the marker stands.
    fn files_with_marker(&self) -> Vec<PathBuf> {
        let folder = match self.sqlite_file() {
            Some(file) => file.parent().unwrap().to_owned(),
            None => {
                on_server("CHECKPOINT");
                super::medium::server_folder()
            }
        };
        let mut found = Vec::new();
        search(&folder, self.marker.as_bytes(), &mut found);
        found
    }

    /// Receipts of old stay proofs; the leaves of what is gone are proven still, its bodies are not
    /// to be had.
    fn assert_proofs_hold(&self, receipts: &[Receipt]) {
        let mut source = self.source();
        let stored = Stored::open(&mut source, &self.trust).unwrap();
        let (size, root) = (stored.checkpoint.size, stored.checkpoint.root);
        for receipt in receipts.iter().step_by(7) {
            let proven = Proven::open(receipt, &self.trust).unwrap();
            let (tree, read) = (stored.tree(), &mut source);
            let proof =
                tree.inclusion_proof(proven.index, size, |id: TileId, width| tile(read, id, width));
            let proof: Vec<Hash> = proof.unwrap();
            verify_inclusion(proven.leaf, proven.index, size, root, &proof).unwrap();
            let anew = stored.receipt(&mut source, proven.index, None);
            match anew {
                Ok(anew) => assert_eq!(anew.entry, receipt.entry),
                Err(error) => {
                    assert_eq!(error, StoredError::NoBody);
                    assert!(proven.index < u64::try_from(OLD).unwrap());
                }
            }
        }
    }
}

/// A tile as it is stored; behind the last full one its leaves.
fn tile(source: &mut Database, id: TileId, width: usize) -> Result<Vec<Hash>, audit::Unreadable> {
    use audit::Source as _;
    if let Some(hashes) = source.tile(id, width)? {
        return Ok(hashes);
    }
    let first = id.index * 256;
    let leaves = source.leaves(first..first + u64::try_from(width).unwrap())?;
    Ok(leaves.unwrap().into_iter().map(|(_, hash)| hash).collect())
}

fn search(folder: &Path, marker: &[u8], found: &mut Vec<PathBuf>) {
    // The server moves its files while we look: what is gone meanwhile holds nothing.
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        if path.is_dir() {
            search(&path, marker, found);
        } else if fs::read(&path).is_ok_and(|bytes| contains(&bytes, marker)) {
            found.push(path);
        }
    }
}

/// Debug builds search slowly: most bytes are skipped by looking for the first one.
fn contains(bytes: &[u8], marker: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains(std::str::from_utf8(marker).unwrap())
}
