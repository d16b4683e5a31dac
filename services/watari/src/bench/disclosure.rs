//! "Who received my records?", asked in a log of millions of entries.

use std::sync::Arc;
use std::time::{Duration, Instant};

use db::{Db, DbError};
use domain::retention::segment_of;
use domain::{Clock, InquiryId, ServiceKind};
use ledger::{Checkpoint, Hash, Origin, Signer, Tree, leaf_hash, verify_inclusion};
use serde::Serialize;
use uuid::Uuid;
use wire::WireNumber;
use wire::partition::{AskRequest, DISCLOSURES, Disclose, Disclosure};
use wire::provision_log::Receipt;

use super::ground::{Ground, residents};
use super::store::{self, Row};
use crate::Failure;
use crate::story::show::question;
use screen::Screen;

/// How much is asked.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Entries of other people in the log
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    entries: u64,
    /// Times the person's records were provided
    #[arg(long, value_name = "N", default_value_t = 10)]
    provisions: usize,
}

/// What the answers took.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Disclosed {
    engine: &'static str,
    entries: u64,
    provisions: usize,
    /// Every receipt was verified with the log's key alone, besides the room's own check.
    proven: usize,
    first_ms: f64,
    median_ms: f64,
}

const SERIAL: u32 = 3_000_000;
const TIMES: usize = 9;
/// Entries of one transaction.
const BATCH: u64 = 256 * 64;

impl Disclosed {
    pub(crate) fn text(&self) -> String {
        let Self { engine, entries, provisions, proven, first_ms, median_ms } = self;
        format!(
            "{engine}: {provisions} provisions of one person among {entries} entries, {proven} \
             proven: first {first_ms:.1} ms, median {median_ms:.1} ms"
        )
    }
}

pub(crate) async fn measure(
    ground: &mut Ground,
    wanted: &Args,
    (clock, screen): (&Arc<dyn Clock>, Screen),
) -> Result<Disclosed, Failure> {
    let person = residents(SERIAL..SERIAL + 1, true);
    ground.register(&ground.cast.adachi, &person, screen).await?;
    ground.register(&ground.cast.koriyama, &residents(SERIAL..SERIAL + 1, false), screen).await?;
    let person = person.first().ok_or(Failure::Claim("there is a person to ask about"))?;
    let clerk = ground.desk(&ground.cast.koriyama.clerk).await?;
    for _ in 0..wanted.provisions {
        let asked = question(&ground.cast, person);
        let asked = AskRequest { inquiry: InquiryId::make_random(), ..asked };
        clerk.ask(&asked).await.map_err(Failure::call("asking"))?;
    }
    ground.house.stop_one(ServiceKind::ProvisionLog).await;
    let work = screen.begin("adding entries of other people", Some(wanted.entries));
    let entries = grow(ground, wanted.entries, clock.as_ref()).await?;
    work.done(&format!("{entries} entries in the log"));
    ground.house.start_one(ServiceKind::ProvisionLog, clock).await?;
    ask(ground, person.to_request().individual_number, entries).await
}

/// Asks a few times; the first answer finds nothing in memory.
async fn ask(ground: &Ground, number: WireNumber, entries: u64) -> Result<Disclosed, Failure> {
    let supervisor = ground.desk(&ground.cast.adachi.supervisor).await?;
    let request = Disclose { individual_number: number };
    let give_up = Instant::now() + Duration::from_secs(30);
    let mut took_ms = Vec::new();
    let mut proven = 0;
    let mut provisions = 0;
    while took_ms.len() < TIMES {
        let begun = Instant::now();
        match supervisor.room::<Disclosure>(DISCLOSURES, &request).await {
            Ok(told) => {
                took_ms.push(begun.elapsed().as_secs_f64() * 1_000.0);
                let receipts = told.received.iter().filter_map(|one| one.receipt.as_ref());
                proven = receipts.filter(|receipt| is_proven(ground, receipt)).count();
                provisions = told.received.len();
            }
            // The log has only just come back.
            Err(_) if took_ms.is_empty() && Instant::now() < give_up => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(error) => return Err(Failure::call("asking for a disclosure")(error)),
        }
    }
    let first_ms = took_ms.first().copied().unwrap_or_default();
    took_ms.sort_by(f64::total_cmp);
    let median_ms = took_ms.get(TIMES / 2).copied().unwrap_or_default();
    Ok(Disclosed { engine: ground.engine(), entries, provisions, proven, first_ms, median_ms })
}

fn is_proven(ground: &Ground, receipt: &Receipt) -> bool {
    let check = || {
        let settings = ground.site.settings.partition().ok()?;
        let origin = Origin::parse(&settings.log_origin).ok()?;
        let keys: Vec<_> = settings.log_verifiers.iter().flat_map(|key| key.parse()).collect();
        let Checkpoint { size, root, .. } =
            Checkpoint::open(&receipt.checkpoint, &origin, &keys).ok()?;
        let hash = |bytes: &wire::Base64Bytes| Hash::try_from(bytes.0.as_slice()).ok();
        let proof: Vec<_> = receipt.proof.iter().map(hash).collect::<Option<_>>()?;
        verify_inclusion(leaf_hash(receipt.entry.as_bytes()), receipt.index, size, root, &proof)
            .ok()
    };
    check().is_some()
}

/// Continues the stopped log with entries of other municipalities, under its own key.
async fn grow(ground: &Ground, entries: u64, clock: &dyn Clock) -> Result<u64, Failure> {
    let config = ground.site.settings.provision_log()?;
    let failed = |source| Failure::Database { service: "provision-log", source };
    let db = Db::open(&config.database.service()?).await.map_err(failed)?;
    let signer = config.signer().map_err(|_| Failure::Claim("the log's key is there"))?;
    let now_unix_ms = clock.now().unix_timestamp() * 1_000;
    let segment = segment_of(now_unix_ms).ok_or(Failure::Claim("this day has a month"))?;
    let at = (segment.number(), now_unix_ms);
    let grown = tokio::task::spawn_blocking(move || add(&db, &signer, entries, at));
    grown.await.map_err(|_| Failure::Interrupted)?.map_err(failed)
}

fn add(
    db: &Db,
    signer: &Signer,
    entries: u64,
    (segment, now_unix_ms): (i32, i64),
) -> Result<u64, DbError> {
    let bodies = db.transaction_blocking("bench.bodies", store::bodies)?;
    let mut tree = Tree::new();
    for body in &bodies {
        tree.append(leaf_hash(body));
    }
    let end = tree.size() + entries;
    while tree.size() < end {
        let mut batch = Vec::new();
        let mut tiles = Vec::new();
        while tree.size() < end && batch.len() < usize::try_from(BATCH).unwrap_or(usize::MAX) {
            let body = body(now_unix_ms);
            let (seq, hash) = (tree.size(), leaf_hash(&body));
            tiles.extend(tree.append(hash));
            batch.push(Row { seq: i64::try_from(seq).unwrap_or(i64::MAX), hash, body });
        }
        db.transaction_blocking("bench.grow", |tx| {
            store::add_entries(tx, segment, &batch)?;
            store::add_tiles(tx, &tiles)
        })?;
    }
    let origin = Origin::from(signer.verifier().name().clone());
    let checkpoint = Checkpoint { origin, size: tree.size(), root: tree.root() };
    let note = checkpoint.sign(signer).to_string();
    db.transaction_blocking("bench.sign", |tx| {
        store::add_checkpoint(tx, &checkpoint, &note, now_unix_ms)
    })?;
    Ok(tree.size())
}

/// Sapporo asked Hakodate.
fn body(now_unix_ms: i64) -> Vec<u8> {
    let (inquiry, permit) = (Uuid::now_v7(), Uuid::now_v7());
    let asked_unix_s = now_unix_ms / 1_000;
    let commitment = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    format!(
        "{{\"loggedAtUnixMs\":{now_unix_ms},\"act\":{{\"outcome\":{{\"inquiry\":\"{inquiry}\",\
         \"permit\":\"{permit}\",\"inquirer\":\"011002\",\"provider\":\"012025\",\
         \"operator\":\"clerk-sapporo\",\"terminal\":\"terminal-sapporo\",\
         \"procedure\":\"transfer-in\",\"legalBasis\":\"number-act-19-16\",\
         \"items\":\"vaccination\",\"outcome\":\"provided\",\"commitment\":\"{commitment}\",\
         \"askedAtUnixS\":{asked_unix_s},\"decidedAtUnixMs\":{now_unix_ms}}}}}}}"
    )
    .into_bytes()
}
