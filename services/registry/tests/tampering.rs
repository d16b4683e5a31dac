//! Whoever changes the access log behind the registry's back is found, with the place.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use crypto::SigningKey;
use db::test_support::TestDb;
use diesel::connection::SimpleConnection as _;
use domain::{RequestId, ServiceKind};
use ledger::{Checkpoint, Origin, Signer, Tree, Verifier, leaf_hash};
use registry::{Damage, Limits, MIGRATIONS, ROLE, verify_access_log};
use service::server::StartError;
use wire::registry as paths;
use world::{ADACHI, Stopped, World};

/// More than one full tile, and some lines after it.
const LINES: usize = 300;

/// A stopped registry with a long log; lines 256 and later stand in no full tile.
async fn stopped() -> Vec<Stopped> {
    let mut worlds = Vec::new();
    for t in TestDb::each(&MIGRATIONS, ROLE).await {
        let w = World::new(t, Limits::default()).await;
        w.settle(ADACHI, "clerk-adachi").await;
        fill(&w, LINES).await;
        worlds.push(w.stop().await);
    }
    worlds
}

/// The cheapest line: somebody who is not allowed to.
async fn fill(w: &World, lines: usize) {
    let broker = w.service(ServiceKind::Broker, "main");
    while w.access_log().await.len() < lines {
        for _ in 0..20 {
            broker.change(paths::TERMINALS, &()).await.unwrap_err();
        }
    }
}

fn keys(w: &Stopped) -> Vec<Verifier> {
    w.config.access_keys().unwrap()
}

async fn damage(w: &Stopped) -> Vec<Damage> {
    verify_access_log(&w.t.db, &keys(w)).await.unwrap().damage
}

/// As superuser: no grants, and on SQLite no triggers.
async fn tamper(t: &TestDb, sql: &str) {
    let mut all = String::new();
    if t.is_sqlite() {
        for table in ["access_log", "access_tile", "access_checkpoint"] {
            all += &format!("DROP TRIGGER IF EXISTS {table}_no_update;");
            all += &format!("DROP TRIGGER IF EXISTS {table}_no_delete;");
        }
    }
    all += sql;
    t.as_owner(move |tx| tx.batch_execute(&all)).await;
}

async fn is_refused(w: &Stopped) -> bool {
    match w.try_start().await {
        Ok(running) => {
            running.stop().await;
            false
        }
        Err(StartError::Refused(why)) => why.starts_with("the access log is not the one"),
        Err(other) => panic!("{other:?}"),
    }
}

/// JSON text within the body of a line, replaced on either engine.
fn edit(w: &Stopped, seq: u64, old: &str, new: &str) -> String {
    if w.t.is_sqlite() {
        format!(
            "UPDATE access_log SET body = CAST(replace(CAST(body AS TEXT), '{old}', '{new}') \
             AS BLOB) WHERE seq = {seq};"
        )
    } else {
        format!(
            "UPDATE access_log SET body = convert_to(replace(convert_from(body, 'UTF8'), '{old}', \
             '{new}'), 'UTF8') WHERE seq = {seq};"
        )
    }
}

fn swap(column: &str, a: u64, b: u64) -> String {
    let old = |seq| format!("(SELECT {column} FROM before WHERE seq = {seq})");
    format!(
        "CREATE TEMPORARY TABLE before AS SELECT * FROM access_log;\
         UPDATE access_log SET {column} = {} WHERE seq = {a};\
         UPDATE access_log SET {column} = {} WHERE seq = {b};\
         DROP TABLE before;",
        old(b),
        old(a)
    )
}

/// Rows that change places as a whole.
fn exchange(a: u64, b: u64) -> String {
    format!(
        "UPDATE access_log SET seq = -1 WHERE seq = {a};\
         UPDATE access_log SET seq = {a} WHERE seq = {b};\
         UPDATE access_log SET seq = {b} WHERE seq = -1;"
    )
}

async fn size(w: &Stopped) -> u64 {
    u64::try_from(w.access_log().await.len()).unwrap()
}

#[tokio::test]
async fn an_untouched_log_has_no_damage_and_is_signed_to_its_end() {
    for w in stopped().await {
        let report = verify_access_log(&w.t.db, &keys(&w)).await.unwrap();
        assert!(report.is_intact(), "{report:?}");
        assert_eq!(report.lines, size(&w).await);
        let to = report.lines;
        let cut = format!("DELETE FROM access_log WHERE seq = {};", to - 1);
        tamper(&w.t, &cut).await;
        assert_eq!(damage(&w).await, [Damage::Line(to - 1)]);
        assert!(is_refused(&w).await);
    }
}

/// Each kind of damage, in a full tile and after the last one.
#[tokio::test]
async fn an_edited_line_is_found() {
    for w in stopped().await {
        let to = size(&w).await;
        tamper(&w.t, &edit(&w, 100, "\"result\":\"denied\"", "\"result\":\"done\"")).await;
        assert_eq!(damage(&w).await, [Damage::Line(100)]);
        assert!(is_refused(&w).await);
        tamper(&w.t, &edit(&w, 280, "broker/main", "broker/mein")).await;
        let unproven = Damage::Unproven { from: 281, to };
        assert_eq!(damage(&w).await, [Damage::Line(100), Damage::Line(280), unproven]);
        let undo = edit(&w, 100, "\"result\":\"done\"", "\"result\":\"denied\"");
        tamper(&w.t, &undo).await;
        assert!(is_refused(&w).await);
        tamper(&w.t, &edit(&w, 280, "broker/mein", "broker/main")).await;
        assert!(damage(&w).await.is_empty());
        assert!(!is_refused(&w).await);
    }
}

#[tokio::test]
async fn a_deleted_line_is_found() {
    for w in stopped().await {
        let to = size(&w).await;
        tamper(&w.t, "DELETE FROM access_log WHERE seq IN (0, 255, 270);").await;
        let lines = [0, 255, 270].map(Damage::Line);
        let unproven = [Damage::Unproven { from: 271, to }];
        assert_eq!(damage(&w).await, [&lines[..], &unproven].concat());
        assert!(is_refused(&w).await);
    }
}

#[tokio::test]
async fn swapped_lines_are_found() {
    for w in stopped().await {
        let to = size(&w).await;
        tamper(&w.t, &swap("body", 20, 21)).await;
        tamper(&w.t, &exchange(30, 200)).await;
        let full = [20, 21, 30, 200];
        assert_eq!(damage(&w).await, full.map(Damage::Line));
        assert!(is_refused(&w).await);
        tamper(&w.t, &exchange(260, 290)).await;
        let lines = [20, 21, 30, 200, 260, 290].map(Damage::Line);
        let unproven = [Damage::Unproven { from: 261, to }];
        assert_eq!(damage(&w).await, [&lines[..], &unproven].concat());
    }
}

#[tokio::test]
async fn a_line_that_is_hidden_from_its_municipality_is_found() {
    for w in stopped().await {
        let line = w.access_log().await.into_iter().find(|l| l.concerns.as_deref() == Some(ADACHI));
        let seq = line.unwrap().sequence;
        let hide = format!("UPDATE access_log SET municipality = '072036' WHERE seq = {seq};");
        tamper(&w.t, &hide).await;
        assert_eq!(damage(&w).await, [Damage::Line(seq)]);
        assert!(is_refused(&w).await);
    }
}

#[tokio::test]
async fn what_is_kept_beside_the_lines_is_found_when_it_is_changed() {
    for w in stopped().await {
        let to = size(&w).await;
        let root = if w.t.is_sqlite() { "zeroblob(32)" } else { "decode(repeat('00', 32), 'hex')" };
        tamper(&w.t, &format!("UPDATE access_log SET root = {root} WHERE seq IN (7, 290);")).await;
        assert_eq!(damage(&w).await, [7, 290].map(Damage::Line));
        tamper(&w.t, "UPDATE access_tile SET hashes = hashes WHERE level = 0;").await;
        assert_eq!(damage(&w).await, [7, 290].map(Damage::Line));
        let half = "substr(hashes, 1, 4096)";
        tamper(&w.t, &format!("UPDATE access_tile SET hashes = {half} || {half};")).await;
        let tile = Damage::Tile(ledger::TileId { level: 0, index: 0 });
        let lines = [7, 290].map(Damage::Line);
        assert_eq!(damage(&w).await, [&lines[..], &[tile]].concat());
        assert!(is_refused(&w).await);
        tamper(
            &w.t,
            &format!(
                "UPDATE access_checkpoint SET note = replace(note, '{to}', '1') WHERE size = {to};"
            ),
        )
        .await;
        assert!(damage(&w).await.contains(&Damage::Checkpoint(to)));
    }
}

/// Whoever has the database but not the key writes the whole log anew, with every hash over it.
#[tokio::test]
async fn a_log_written_anew_with_all_its_hashes_is_found() {
    for w in stopped().await {
        rewrite(&w, 290).await;
        let found = damage(&w).await;
        let rewritten = |damage: &Damage| matches!(damage, Damage::Rewritten { from, to } if *from <= 290 && 290 < *to);
        assert!(found.len() == 1 && rewritten(&found[0]), "{found:?}");
        assert!(is_refused(&w).await);
        // With another key it is no better.
        let other = SigningKey::make_random().unwrap().into_ed25519();
        sign(&w, &Signer::new(keys(&w)[0].name().clone(), other)).await;
        let to = size(&w).await;
        assert!(damage(&w).await.contains(&Damage::Checkpoint(to)));
        assert!(is_refused(&w).await);
    }
}

/// Changes one line and all roots after it.
async fn rewrite(w: &Stopped, seq: usize) {
    let bodies: Vec<Vec<u8>> =
        w.access_log().await.iter().map(|line| serde_json::to_vec(line).unwrap()).collect();
    tamper(&w.t, &edit(w, u64::try_from(seq).unwrap(), "broker/main", "broker/mein")).await;
    let mut tree = Tree::new();
    let mut sql = String::new();
    for (at, body) in bodies.into_iter().enumerate() {
        let text = String::from_utf8(body).unwrap();
        let text = if at == seq { text.replace("broker/main", "broker/mein") } else { text };
        tree.append(leaf_hash(text.as_bytes()));
        if at >= seq {
            let root = format!("{:?}", tree.root());
            let root = if w.t.is_sqlite() { format!("X'{root}'") } else { format!("'\\x{root}'") };
            sql += &format!(
                "UPDATE access_log SET root = {root} WHERE seq = {at} AND root IS NOT NULL;"
            );
        }
    }
    tamper(&w.t, &sql).await;
}

/// Signs the log as it stands, in place of what was signed.
async fn sign(w: &Stopped, signer: &Signer) {
    let mut tree = Tree::new();
    for line in w.access_log().await {
        tree.append(leaf_hash(&serde_json::to_vec(&line).unwrap()));
    }
    let origin = Origin::from(signer.verifier().name().clone());
    let note = Checkpoint { origin, size: tree.size(), root: tree.root() }.sign(signer);
    let sql = format!("UPDATE access_checkpoint SET note = '{note}' WHERE size = {};", tree.size());
    tamper(&w.t, &sql).await;
}

#[tokio::test]
async fn a_running_registry_takes_no_lines_on_a_log_that_was_cut() {
    for t in TestDb::each(&MIGRATIONS, ROLE).await {
        let w = World::new(t, Limits::default()).await;
        let nation = w.nation().await;
        tamper(&w.t, "DELETE FROM access_log WHERE seq = (SELECT max(seq) FROM access_log);").await;
        let refused = nation.change(paths::LOG_OUT, &()).await;
        assert_eq!(refused.unwrap_err(), "unavailable");
        let broker = w.service(ServiceKind::Broker, "main");
        assert!(broker.try_get::<serde_json::Value>("/readyz").await.is_err());
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_log_signed_with_a_former_key_goes_on_under_a_new_one() {
    for mut w in stopped().await {
        let former = SigningKey::load(&w.config.directory_key).unwrap().verifying_key();
        w.config.directory_key = w.folder.path().join("new-directory-key.pem");
        SigningKey::create(&w.config.directory_key).unwrap();
        assert!(is_refused(&w).await);
        w.config.former_directory_keys = vec![former.encode()];
        let w = w.start().await;
        w.service(ServiceKind::Broker, "main").change(paths::TERMINALS, &()).await.unwrap_err();
        let w = w.stop().await;
        assert!(damage(&w).await.is_empty());
        let only_new = verify_access_log(&w.t.db, &keys(&w)[1..]).await.unwrap();
        assert!(!only_new.is_intact());
    }
}

/// Many at once, from two processes: one order, nothing lost, nothing twice.
#[tokio::test(flavor = "multi_thread")]
async fn two_registries_write_one_log() {
    for t in TestDb::each(&MIGRATIONS, ROLE).await {
        let w = World::new(t, Limits::default()).await;
        let second = registry::start_in(w.t.db.clone(), w.config.clone(), w.clock.clone()).await;
        let before = w.access_log().await.len();
        let first = w.service(ServiceKind::Broker, "main");
        let (running, w) = w.turn_to(second.unwrap());
        let other = w.service(ServiceKind::Broker, "main");
        let mut tries = Vec::new();
        for number in 0..60 {
            let client = if number % 2 == 0 { first.client.clone() } else { other.client.clone() };
            tries.push(tokio::spawn(async move {
                let id = RequestId::parse(&format!("try-{number}")).unwrap();
                let body = serde_json::json!({});
                client.post::<serde_json::Value>(paths::TERMINALS, &id, None, &body).await
            }));
        }
        for one in tries {
            let refused = world::caller::problem(one.await.unwrap().unwrap_err());
            assert_eq!(refused.code, "denied");
        }
        let lines = w.access_log().await.split_off(before);
        let requests: std::collections::BTreeSet<_> =
            lines.iter().map(|line| line.request.clone()).collect();
        assert_eq!((lines.len(), requests.len()), (60, 60));
        running.stop().await;
        let w = w.stop().await;
        assert!(damage(&w).await.is_empty());
    }
}
