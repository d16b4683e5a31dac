//! A log that was set back does not start before the missing entries are back.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use std::path::{Path, PathBuf};

use audit::{
    Evidence, Export, Extent, GapError, Moment, Report, Source, StoredError, Trust, write_export,
};
use domain::retention::RetentionRules;
use ledger::{Checkpoint, Hash, Origin, leaf_hash};
use provision_log::offline::Database;
use provision_log::{Log, ReconcileError, Reconciled, reconcile};
use tokio::task::JoinSet;
use world::{ORIGIN, World, nothing, provided};

/// Entries in the backup, and in the log that is lost.
const BACKUP: u64 = 20;
const LOST: u64 = 320;

fn trust(world: &World) -> Trust {
    Trust {
        origin: Origin::parse(ORIGIN).unwrap(),
        log: vec![world.signer().verifier().clone()],
        witnesses: Vec::new(),
        custodians: Vec::new(),
        retention: RetentionRules::shipped(),
    }
}

async fn grow(log: &Log, count: u64) {
    for number in 0..count.min(4) {
        log.append(if number % 2 == 0 { nothing() } else { provided(3) }).await.unwrap();
    }
    let appends = (4..count).map(|_| {
        let log = log.clone();
        async move { log.append(provided(7)).await.unwrap() }
    });
    appends.collect::<JoinSet<_>>().join_all().await;
}

async fn off_line<T: Send + 'static>(
    world: &World,
    work: impl FnOnce(&mut Database, Trust) -> T + Send + 'static,
) -> T {
    let (owner, trust) = (world.t.owner.clone(), trust(world));
    let work = move || work(&mut Database::open(&owner).unwrap(), trust);
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn export(world: &World, name: &str) -> PathBuf {
    let folder = world.folder.path().join(name);
    let to = folder.clone();
    off_line(world, move |source, _| write_export(source, &to).unwrap()).await;
    folder
}

async fn verify(world: &World) -> Report {
    let extent = Extent { since: None, thorough: true };
    off_line(world, move |source, trust| {
        audit::verify(source, &trust, Evidence::default(), &extent)
    })
    .await
}

/// What a backup of that moment holds is restored.
async fn set_back(world: &World) {
    let delete = "DELETE FROM leaf WHERE seq >= 20; DELETE FROM entry WHERE seq >= 20; \
                  DELETE FROM tile; DELETE FROM checkpoint WHERE size > 20; \
                  DELETE FROM cosigned WHERE size > 20;";
    if world.t.is_sqlite() {
        for table in ["leaf", "entry", "tile", "checkpoint", "cosigned"] {
            let drop = format!("DROP TRIGGER {table}_is_not_deleted");
            world
                .t
                .as_owner(move |tx| diesel::connection::SimpleConnection::batch_execute(tx, &drop))
                .await;
        }
    }
    world.sql(delete).await;
}

/// A log of 320 entries that was set back to 20; its exports at 150 and 320.
async fn lost(world: &World) -> (Vec<Moment>, PathBuf, PathBuf) {
    let log = world.open().await;
    grow(&log, BACKUP).await;
    grow(&log, 130).await;
    let early = export(world, "early").await;
    grow(&log, LOST - BACKUP - 130).await;
    let cosign = "INSERT INTO cosigned SELECT size, 1795000000000, note FROM checkpoint \
                  WHERE size = 320; INSERT INTO cosigned VALUES (319, 1795000000000, 'a note')";
    world.sql(cosign).await;
    let late = export(world, "late").await;
    drop(log);
    let head = std::fs::read_to_string(world.head_file()).unwrap_or_default();
    let newest = off_line(world, |source, _| audit::newest_checkpoint(source).unwrap()).await;
    std::fs::write(world.head_file(), newest.unwrap().note).unwrap();
    assert!(head.is_empty() || world.read(&head).size <= LOST);
    let Checkpoint { size, root, .. } =
        world.read(&std::fs::read_to_string(world.head_file()).unwrap());
    assert_eq!(size, LOST);
    set_back(world).await;
    (vec![(size, root)], early, late)
}

async fn mend(
    world: &World,
    known: &[Moment],
    newer: Option<&Path>,
) -> Result<Reconciled, ReconcileError> {
    let open =
        |folder: &Path| -> Box<dyn Source + Send> { Box::new(Export::open(folder).unwrap()) };
    let newer = newer.map(open);
    reconcile(&world.t.owner, trust(world), known.to_vec(), newer).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_and_comes_back_from_a_newer_export() {
    for world in World::each().await {
        let (known, early, late) = lost(&world).await;
        assert!(
            world.try_open(Default::default()).await.is_err(),
            "a log that was set back starts"
        );
        let missing = mend(&world, &known, None).await;
        assert!(
            matches!(missing, Err(ReconcileError::Gap(GapError::Missing(r))) if r == (BACKUP..LOST))
        );
        let missing = mend(&world, &known, Some(&early)).await;
        assert!(
            matches!(missing, Err(ReconcileError::Gap(GapError::Missing(r))) if r == (150..LOST))
        );
        assert_eq!(verify(&world).await.size, BACKUP, "nothing has been changed");

        let mended = mend(&world, &known, Some(&late)).await.unwrap();
        assert_eq!(mended.regained, BACKUP..LOST);
        assert_eq!(world.read(&mended.note).size, LOST);
        let report = verify(&world).await;
        assert!(report.sound && report.entries == LOST, "{report}");
        let again = mend(&world, &known, None).await.unwrap();
        assert_eq!(again.regained, LOST..LOST);

        let log = world.open().await;
        grow(&log, 5).await;
        world.assert_whole(&log, 325).await;
        assert!(verify(&world).await.sound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_came_back_is_known_again() {
    for world in World::each().await {
        let log = world.open().await;
        grow(&log, BACKUP).await;
        let entry = provided(1);
        let receipt = log.append(entry.clone()).await.unwrap();
        let late = export(&world, "late").await;
        drop(log);
        set_back(&world).await;
        let checkpoint = world.read(&receipt.checkpoint);
        let known = [(checkpoint.size, checkpoint.root)];
        mend(&world, &known, Some(&late)).await.unwrap();
        let log = world.open().await;
        let again = log.append(world::again(&entry)).await.unwrap();
        assert_eq!((again.index, &again.entry), (BACKUP, &receipt.entry));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_lost_altogether_comes_back_from_its_export() {
    for world in World::each().await {
        let (known, _, late) = lost(&world).await;
        world.sql("DELETE FROM leaf; DELETE FROM entry; DELETE FROM checkpoint").await;
        let mended = mend(&world, &known, Some(&late)).await.unwrap();
        assert_eq!(mended.regained, 0..LOST);
        let report = verify(&world).await;
        assert!(report.sound && report.entries == LOST, "{report}");
        world.open().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_comes_back_that_leads_elsewhere() {
    for world in World::each().await {
        let (known, _, late) = lost(&world).await;
        let other: Hash = leaf_hash(b"other");
        for size in [0, 7, BACKUP] {
            let changed = mend(&world, &[(size, other)], Some(&late)).await;
            let at = |error| matches!(error, ReconcileError::Gap(GapError::Contradicted { size: s }) if s == size);
            assert!(changed.is_err_and(at), "{size}");
        }
        for size in [BACKUP + 1, 150, LOST] {
            let foreign = mend(&world, &[known[0], (size, other)], Some(&late)).await;
            let at = |error| matches!(error, ReconcileError::Gap(GapError::Foreign { size: s }) if s == size);
            assert!(foreign.is_err_and(at), "{size}");
        }
        let bundle = late.join("tile/entries/000");
        let mut bytes = std::fs::read(&bundle).unwrap();
        let place = bytes.windows(8).rposition(|window| window == b"koriyama").unwrap();
        bytes[place] = b'K';
        std::fs::write(&bundle, bytes).unwrap();
        let damaged = mend(&world, &known, Some(&late)).await;
        assert!(matches!(damaged, Err(ReconcileError::Damaged { index: 255 })), "{damaged:?}");
        std::fs::remove_file(late.join("checkpoint")).unwrap();
        std::fs::write(late.join("checkpoints.jsonl"), "").unwrap();
        let empty = mend(&world, &known, Some(&late)).await;
        assert!(
            matches!(empty, Err(ReconcileError::Gap(GapError::Newer(StoredError::Empty)))),
            "{empty:?}"
        );
        assert_eq!(verify(&world).await.size, BACKUP, "nothing has been changed");
    }
}
