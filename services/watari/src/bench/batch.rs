//! A file of inquiries (一括照会) to many municipalities of which some are away at first.

mod sources;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crypto::sha256;
use domain::{Clock, Confirmation, IndividualNumber, RequestId, ServiceKind};
use screen::Screen;
use serde::Serialize;
use uuid::Uuid;
use wire::batch::{
    self as api, BatchPart, BatchResults, BatchState, BatchStatus, CreateBatch, NameBatch,
    ReadResults, RowOutcome, SourceState, StartBatch,
};
use wire::provision_log::{LIST_LIMIT_MAX, ListOutcomes, OUTCOMES_LIST, Outcomes};

use self::sources::{Sources, towns};
use super::ground::{Ground, residents};
use super::load::ask_for;
use crate::Failure;
use crate::story::desk::Desk;

/// Serials of the people asked about, apart from the demonstration's.
const MOVED_FROM: u32 = 2_000_000;
/// And of those about whom a clerk asks at the same time.
const AT_THE_DESK: std::ops::Range<u32> = 4_000_000..4_000_100;
/// For so long after a warm-up, or as long as the batch runs if that is shorter.
const DESK: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(25);
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// How much is asked.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Rows of the file
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    rows: u32,
    /// How many municipalities are asked
    #[arg(long, value_name = "N", default_value_t = 20)]
    municipalities: usize,
    /// How many of them are away at first
    #[arg(long, value_name = "PERCENT", default_value_t = 5)]
    down_percent: usize,
    /// Of so many persons there is a dose to be found
    #[arg(long, value_name = "PERCENT", default_value_t = 50)]
    known_percent: u32,
}

/// What was measured.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measured {
    database: &'static str,
    rows: u64,
    municipalities: usize,
    down: usize,
    /// From the call that starts the batch to its answer, the whole file being checked.
    checked_ms: u64,
    /// From the same call to the first answered row that was seen.
    first_answer_ms: u64,
    /// Until every row of those that answer was answered.
    up_rows_s: f64,
    up_rows_per_s: f64,
    /// From the moment that the others are back.
    rest_s: f64,
    provided: u64,
    nothing: u64,
    /// Inquiries that the provision log has settled once, as the row says.
    once: u64,
    /// Anything else; must be none.
    not_once: u64,
    /// One clerk's single inquiries, one after the other: alone, and while the batch runs.
    clerk_alone: Desked,
    clerk_beside: Desked,
}

/// How long a clerk waits.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Desked {
    p50_ms: f64,
    p99_ms: f64,
    errors: u64,
}

pub(crate) async fn measure(
    ground: &Ground,
    args: &Args,
    (clock, screen): (&Arc<dyn Clock>, Screen),
) -> Result<Measured, Failure> {
    let count = args.municipalities.clamp(1, 100);
    let down = (count * args.down_percent.min(100)).div_ceil(100);
    let all = towns(count)?;
    let (away, here) = all.split_at(down);
    let mut away = Sources::start(ground, ("away", away), clock).await?;
    let here = Sources::start(ground, ("here", here), clock).await?;
    register(ground, args, (&away, &here), screen).await?;
    away.stop_serving().await;

    let desk = ground.desk(&ground.cast.koriyama.clerk).await?;
    let batch = Uuid::new_v4();
    let codes: Vec<String> = all.iter().map(|town| town.code.to_string()).collect();
    upload(&desk, batch, &file(args.rows, &codes)).await?;
    let clerk_alone = at_the_desk(ground).await?;
    let work = screen.begin("asking", None);
    let begun = Instant::now();
    let start = StartBatch { batch, skip_bad_rows: false };
    let _: BatchStatus =
        desk.room(api::BATCHES_START, &start).await.map_err(Failure::call("starting the batch"))?;
    let checked_ms = millis(begun.elapsed());
    let ended = |status: &BatchStatus| status.counts.rows - status.counts.pending;
    until(&desk, batch, |status| ended(status) > 0).await?;
    let first_answer_ms = millis(begun.elapsed());
    let is_left_alone = |status: &BatchStatus| {
        let mut sources = status.sources.iter();
        sources.len() == count
            && sources.all(|one| matches!(one.state, SourceState::Done | SourceState::Unavailable))
    };
    let asked = async {
        let status = until(&desk, batch, is_left_alone).await?;
        Ok::<_, Failure>((ended(&status), begun.elapsed().as_secs_f64()))
    };
    let (asked, clerk_beside) = tokio::join!(asked, at_the_desk(ground));
    let ((up_rows, up_s), clerk_beside) = (asked?, clerk_beside?);
    away.serve_again(clock).await?;
    let back = Instant::now();
    until(&desk, batch, |status| status.state == BatchState::Done).await?;
    let rest_s = back.elapsed().as_secs_f64();
    work.done("asked");

    let found = compare(ground, &desk, batch).await?;
    here.stop().await;
    away.stop().await;
    Ok(Measured {
        database: ground.engine(),
        rows: u64::from(args.rows),
        municipalities: count,
        down,
        checked_ms,
        first_answer_ms,
        up_rows_s: up_s,
        up_rows_per_s: f64::from(u32::try_from(up_rows).unwrap_or(u32::MAX)) / up_s,
        rest_s,
        clerk_alone,
        clerk_beside,
        ..found
    })
}

/// Asks Adachi about one person after the other, as at a desk.
async fn at_the_desk(ground: &Ground) -> Result<Desked, Failure> {
    let times = ask_for(ground, &residents(AT_THE_DESK, true), (1, DESK)).await?;
    let (p50_ms, p99_ms) = (times.quantile_ms(0.5), times.quantile_ms(0.99));
    Ok(Desked { p50_ms, p99_ms, errors: times.errors })
}

/// Everybody lives with the asker now; some have a dose where they came from.
async fn register(
    ground: &Ground,
    args: &Args,
    (away, here): (&Sources, &Sources),
    screen: Screen,
) -> Result<(), Failure> {
    ground.register(&ground.cast.koriyama, &residents(AT_THE_DESK, false), screen).await?;
    ground.register(&ground.cast.adachi, &residents(AT_THE_DESK, true), screen).await?;
    let serials = MOVED_FROM..MOVED_FROM + args.rows;
    ground.register(&ground.cast.koriyama, &residents(serials.clone(), false), screen).await?;
    let count = away.towns.len() + here.towns.len();
    for (place, (sources, town)) in away.all().chain(here.all()).enumerate() {
        let known = residents(serials.clone(), true).into_iter().skip(place).step_by(count);
        // Spread evenly over every hundred.
        let known = (0..100_u32).cycle().zip(known);
        let known = known.filter(|(nth, _)| nth * 37 % 100 < args.known_percent);
        let known: Vec<_> = known
            .map(|(_, mut one)| {
                one.doses.truncate(1);
                one
            })
            .collect();
        sources.register(ground, town, (&known, screen)).await?;
    }
    Ok(())
}

/// Each person is asked about in turn at each of these municipalities.
fn file(rows: u32, codes: &[String]) -> String {
    let mut text = interchange::layout::BATCH_1.header() + "\n";
    for (serial, code) in (MOVED_FROM..MOVED_FROM + rows).zip(codes.iter().cycle()) {
        let number = IndividualNumber::for_test(serial);
        text.push_str(&format!("{},{code},,{serial}\n", number.reveal()));
    }
    text
}

async fn upload(desk: &Desk, batch: Uuid, text: &str) -> Result<(), Failure> {
    let failed = Failure::call("sending the file");
    let announcement = CreateBatch {
        batch,
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        confirmation: Confirmation::ResidentRegister,
        total_bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
        sha256: sha256(text.as_bytes()).to_vec().into(),
    };
    let announced: Result<NameBatch, _> = desk.room(api::BATCHES, &announcement).await;
    announced.map_err(failed)?;
    for (part, bytes) in (0..).zip(text.as_bytes().chunks(api::PART_BYTES_MAX)) {
        let part = BatchPart { batch, part, bytes: bytes.to_vec().into() };
        let kept: Result<NameBatch, _> = desk.room(api::BATCHES_PARTS, &part).await;
        kept.map_err(Failure::call("sending the file"))?;
    }
    Ok(())
}

async fn until(
    desk: &Desk,
    batch: Uuid,
    is_so: impl Fn(&BatchStatus) -> bool,
) -> Result<BatchStatus, Failure> {
    let begun = Instant::now();
    let mut pause = POLL;
    while begun.elapsed() < WAIT_MAX {
        let status: BatchStatus = desk
            .room(api::BATCHES_STATUS, &NameBatch { batch })
            .await
            .map_err(Failure::call("asking how the batch stands"))?;
        if is_so(&status) {
            return Ok(status);
        }
        tokio::time::sleep(pause).await;
        // Looking must not be what is measured.
        pause = (pause * 2).min(Duration::from_millis(500));
    }
    Err(Failure::TimedOut("the batch"))
}

/// Holds every row against the provision log.
async fn compare(ground: &Ground, desk: &Desk, batch: Uuid) -> Result<Measured, Failure> {
    let log = ground.site.client("partition", ServiceKind::ProvisionLog)?;
    let mut settled: BTreeMap<Uuid, Vec<&'static str>> = BTreeMap::new();
    let mut from = Some(0);
    while let Some(from_index) = from {
        let municipality = ground.cast.koriyama.code;
        let wanted = ListOutcomes { municipality, from_index, limit: LIST_LIMIT_MAX };
        let page: Outcomes = log
            .post(OUTCOMES_LIST, &RequestId::make_random(), None, &wanted)
            .await
            .map_err(Failure::call("reading the provision log"))?;
        for one in page.entries.iter().filter(|one| one.entry.outcome.settles()) {
            settled.entry(one.entry.inquiry.0).or_default().push(one.entry.outcome.as_str());
        }
        from = page.next_index;
    }
    let mut measured = Measured::default();
    let mut next = Some(1);
    while let Some(from_row) = next {
        let wanted = ReadResults { batch, from_row, limit: api::PAGE_ROWS_MAX };
        let page: BatchResults = desk
            .room(api::BATCHES_RESULTS, &wanted)
            .await
            .map_err(Failure::call("reading the results"))?;
        for row in &page.rows {
            let (sum, want) = match row.outcome {
                RowOutcome::Provided => (&mut measured.provided, "provided"),
                _ => (&mut measured.nothing, "nothing"),
            };
            *sum += 1;
            let told = row.inquiry.and_then(|inquiry| settled.get(&inquiry));
            let is_once = told.is_some_and(|told| told.as_slice() == [want]);
            *(if is_once { &mut measured.once } else { &mut measured.not_once }) += 1;
        }
        next = page.next_row;
    }
    Ok(measured)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Measured {
    /// For a person to read.
    pub(crate) fn text(&self) -> String {
        let Self { database, rows, municipalities, down, .. } = self;
        format!(
            "{rows} rows to {municipalities} municipalities on {database}, {down} of them away\n\
             file checked {:>10} ms\nfirst answer {:>10} ms\n\
             answered     {:>10.1} s, {:.0} rows/s\nthe others   {:>10.1} s after they were back\n\
             provided {}, nothing {}\nsettled once in the log {}, otherwise {}\n\
             a clerk's own inquiry: alone {}, while the batch runs {}",
            self.checked_ms,
            self.first_answer_ms,
            self.up_rows_s,
            self.up_rows_per_s,
            self.rest_s,
            self.provided,
            self.nothing,
            self.once,
            self.not_once,
            self.clerk_alone.text(),
            self.clerk_beside.text(),
        )
    }
}

impl Desked {
    fn text(self) -> String {
        let Self { p50_ms, p99_ms, errors } = self;
        format!("p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms, {errors} errors")
    }
}
