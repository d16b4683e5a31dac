//! Yesterday's backup: it does not start until somebody has looked at what is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use audit::Evidence;
use db::DbUrl;
use domain::ServiceKind;
use watari::{Failure, Settings, schema};

use super::copies::{Copy, copy_file, on_server};
use super::master::{alone, inquire, often_witnessed, origin, owner_url_of, trust, unlimited};
use super::rows;
use crate::support::{Engine, RUNTIME, World, clock, fresh_number, question};

const LOG: ServiceKind = ServiceKind::ProvisionLog;

fn on_each(test: impl AsyncFn(World)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let _turn = alone();
        RUNTIME.block_on(async {
            let often = |settings: &mut Settings| {
                unlimited(settings);
                often_witnessed(settings);
            };
            test(World::start_with(engine, often).await).await;
        });
    }
}

/// Puts a copy in the place of the stopped log's database.
async fn restore(world: &World, backup: &Copy) {
    let url = owner_url_of(&world.site.settings);
    match url.strip_prefix("sqlite:").zip(backup.url.strip_prefix("sqlite:")) {
        Some((path, backup)) => copy_file(Path::new(backup), Path::new(path)),
        None => {
            let name = |url: &str| url.rsplit_once('/').unwrap().1.to_owned();
            let (own, backup) = (name(&url), name(&backup.url));
            on_server(&format!("DROP DATABASE {own} WITH (FORCE)"));
            on_server(&format!("CREATE DATABASE {own} TEMPLATE {backup}"));
        }
    }
    // Who may connect is not part of a copy.
    schema::migrate(&world.site.settings, LOG).await.unwrap();
}

fn head_file(world: &World) -> PathBuf {
    world.site.settings.provision_log().unwrap().head_file.clone()
}

async fn refused(world: &mut World) -> bool {
    matches!(world.house.start_one(LOG, &clock()).await, Err(Failure::Start { .. }))
}

#[test]
fn an_older_backup_is_refused_until_it_is_reconciled() {
    on_each(async |mut world| {
        inquire(&world, 2).await;
        world.house.stop_one(LOG).await;
        let url = owner_url_of(&world.site.settings);
        let backup = Copy::of(&url);
        world.house.start_one(LOG, &clock()).await.unwrap();
        inquire(&world, 2).await;
        world.house.stop_one(LOG).await;
        let newest = Copy::of(&url);
        let head = fs::read_to_string(head_file(&world)).unwrap();

        restore(&world, &backup).await;
        assert!(refused(&mut world).await, "an older backup starts");
        // Without its memory it does not start either.
        fs::remove_file(head_file(&world)).unwrap();
        assert!(refused(&mut world).await, "an older backup starts without a head file");
        fs::write(head_file(&world), &head).unwrap();

        // What is missing cannot be forgotten, and is named.
        let (owner, trust) = (DbUrl::parse(&url).unwrap(), trust(&world.site.settings));
        let known = moments(&head);
        let missing = provision_log::reconcile(&owner, trust.clone(), known.clone(), None).await;
        assert!(missing.is_err(), "{missing:?}");
        let newer = Box::new(newest.source());
        let done = provision_log::reconcile(&owner, trust.clone(), known, Some(newer)).await;
        let done = done.unwrap();
        assert!(!done.regained.is_empty());
        fs::write(head_file(&world), &done.note).unwrap();
        world.house.start_one(LOG, &clock()).await.unwrap();
        inquire(&world, 1).await;
        let World { house, .. } = world;
        house.stop().await;
        let report = Copy::of(&url).verify(&trust, Evidence::default());
        assert!(report.sound, "{report:?}");
        let before = newest.verify(&trust, Evidence::default());
        assert!(report.size > before.size && before.sound);
    });
}

/// The head file was set back as well: then the witnesses remember.
#[test]
fn a_log_that_was_set_back_with_its_head_file_is_stopped_by_its_witnesses() {
    on_each(async |mut world| {
        inquire(&world, 2).await;
        world.house.stop_one(LOG).await;
        let backup = Copy::of(&owner_url_of(&world.site.settings));
        let head = fs::read(head_file(&world)).unwrap();
        world.house.start_one(LOG, &clock()).await.unwrap();
        inquire(&world, 2).await;
        // The rooms cosign once a second.
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        world.house.stop_one(LOG).await;
        restore(&world, &backup).await;
        fs::write(head_file(&world), head).unwrap();
        world.house.start_one(LOG, &clock()).await.unwrap();
        stops(&world).await;
        world.house.stop_one(LOG).await;
        assert!(refused(&mut world).await, "it starts again as if nothing had been said");
        let World { house, .. } = world;
        house.stop().await;
    });
}

/// A log rewritten with the online key, head file and all, is stopped as well.
#[test]
fn a_rewritten_log_is_stopped_by_its_witnesses() {
    on_each(async |mut world| {
        inquire(&world, 2).await;
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        world.house.stop_one(LOG).await;
        let settings = world.site.settings.clone();
        let tx = &mut rows::attack(&owner_url_of(&settings));
        rows::edit(tx, 3);
        let signer = settings.provision_log().unwrap().signer().unwrap();
        super::forger::seal(tx, &origin(&settings), &signer);
        let newest = rows::notes(tx).into_iter().next_back().unwrap().1;
        fs::write(head_file(&world), newest).unwrap();
        world.house.start_one(LOG, &clock()).await.unwrap();
        stops(&world).await;
        let World { house, .. } = world;
        house.stop().await;
    });
}

/// Waits until the log takes nothing in any more.
async fn stops(world: &World) {
    let begun = Instant::now();
    let number = fresh_number();
    world.arrive_in_koriyama(number).await;
    let clerk = world.desk(&world.cast.koriyama.clerk).await;
    while clerk.ask(&question(number, world.cast.adachi.code)).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(20), "the log goes on");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// What the head file says, as reconciliation is told.
fn moments(head: &str) -> Vec<(u64, ledger::Hash)> {
    let note: ledger::Note = head.parse().unwrap();
    let checkpoint = ledger::Checkpoint::parse(note.text()).unwrap();
    vec![(checkpoint.size, checkpoint.root)]
}
