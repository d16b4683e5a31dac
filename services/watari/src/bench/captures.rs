//! How fast the intake takes captures in, offered at a steady rate by many devices, and how fast a
//! room takes them from it afterwards.

mod vouchers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use crypto::{Numbered, Purpose, SealingPublicKey, SigningKey, VerifyingKey};
use device::Device;
use domain::capture::{Capture, Ticket};
use domain::vaccination::{Status, Vaccination};
use domain::{Clock, RequestId, ServiceKind, SystemClock, TerminalId};
use serde::Serialize;
use service::Directory;
use service::participants::verify;
use service::pki::Authority;
use tokio::task::{JoinSet, spawn_blocking};
use uuid::Uuid;
use wire::devices::{DEVICES, DEVICES_LIST, Devices, ListDevices, RegisterDevice};
use wire::intake::{
    CAPTURES, CAPTURES_FETCH, Captures, CapturesAnswered, DEVICE_DIRECTORY, FetchCaptures,
    SealedCapture, SendCaptures, Taken,
};
use wire::registry::Signed;
use wire::{Client, PeerIdentity};

use super::ground::Ground;
use super::load::{Times, Window};
use crate::Failure;
use crate::story::desk::Desk;

/// How long the intake may take to hear of the devices.
const TELL_ATTEMPTS_MAX: u32 = 150;
const TELL_PAUSE: Duration = Duration::from_millis(200);
/// What the window takes before it opens.
const WARM_UP_S: u64 = 2;
/// How often it is looked whether the intake is empty, and for how long.
const DRAIN_POLL: Duration = Duration::from_millis(250);
const DRAIN_MAX: Duration = Duration::from_secs(3_600);

/// Who hands in how much.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// How many devices hand in at once
    #[arg(long, value_name = "N", default_value_t = 200)]
    devices: u32,
    /// How long the measurement lasts
    #[arg(long, value_name = "S", default_value_t = 10)]
    seconds: u64,
    /// Captures offered in a second by all devices together, one in a call
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    per_second: u32,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measured {
    database: &'static str,
    devices: u32,
    offered_per_s: u32,
    accepted_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    errors: u64,
    /// All that were accepted, each for another person of one room.
    accepted: u64,
    /// From the start of the partition until the intake had none left.
    drained_s: f64,
    drained_per_s: f64,
}

impl Measured {
    pub(crate) fn text(&self) -> String {
        let Self {
            database, devices, offered_per_s, accepted_per_s, p50_ms, p99_ms, errors, ..
        } = self;
        let Self { accepted, drained_s, drained_per_s, .. } = self;
        format!(
            "{database}, {devices} devices: {accepted_per_s:.0} of {offered_per_s} captures/s, \
             p50 {p50_ms:.1} ms, p99 {p99_ms:.1} ms from the planned moment, {errors} errors\n\
             {accepted} taken into one room in {drained_s:.1} s: {drained_per_s:.0}/s"
        )
    }
}

/// A device with its line to the intake and what it hands in, sealed beforehand.
struct Ready {
    line: Client,
    captures: Vec<SealedCapture>,
}

/// Measures the intake alone: the municipality fetches afterwards, as it would elsewhere.
pub(crate) async fn measure(
    ground: &mut Ground,
    args: &Args,
    clock: &Arc<dyn Clock>,
) -> Result<Measured, Failure> {
    let devices = args.devices.max(1);
    let length = Duration::from_secs(args.seconds.max(1));
    let calls = (args.seconds.max(1) + WARM_UP_S) * u64::from(args.per_second.max(1));
    let each = usize::try_from(calls.div_ceil(u64::from(devices))).unwrap_or(usize::MAX);
    let ready = prepare(ground, devices, each).await?;
    ground.house.stop_one(ServiceKind::Partition).await;
    let people = u32::try_from(each).unwrap_or(u32::MAX).saturating_mul(devices);
    vouchers::issue(ground, ground.cast.adachi.code, people).await?;
    let step = Duration::from_secs_f64(f64::from(devices) / f64::from(args.per_second.max(1)));
    let (begin, window) = (Instant::now(), Window::after_warm_up(length));
    let mut sending = JoinSet::new();
    for (ready, nth) in ready.into_iter().zip(0_u32..) {
        let first = begin + step.mul_f64(f64::from(nth) / f64::from(devices));
        sending.spawn(send(ready, (first, step), window));
    }
    let (mut all, mut accepted) = (Times::new()?, 0);
    while let Some(done) = sending.join_next().await {
        let (times, taken) = done.map_err(|_| Failure::Interrupted)??;
        all.add(&times);
        accepted += taken;
    }
    let drained_s = drain(ground, clock).await?.as_secs_f64();
    Ok(Measured {
        database: ground.engine(),
        devices,
        offered_per_s: args.per_second,
        accepted_per_s: all.per_s(length),
        p50_ms: all.quantile_ms(0.5),
        p99_ms: all.quantile_ms(0.99),
        errors: all.errors,
        accepted,
        drained_s,
        drained_per_s: f64::from(u32::try_from(accepted).unwrap_or(u32::MAX)) / drained_s,
    })
}

/// Lets the partition take everything; the intake is asked by the partition's certificate.
async fn drain(ground: &mut Ground, clock: &Arc<dyn Clock>) -> Result<Duration, Failure> {
    let begun = Instant::now();
    ground.house.start_one(ServiceKind::Partition, clock).await?;
    let line = ground.site.client("partition", ServiceKind::Intake)?;
    let municipality = ground.cast.adachi.code;
    while begun.elapsed() < DRAIN_MAX {
        let wanted = FetchCaptures { municipality, after: 0, limit: 1 };
        let left = line.post(CAPTURES_FETCH, &RequestId::make_random(), None, &wanted).await;
        let left: Captures = left.map_err(Failure::call("looking what is left at the intake"))?;
        if left.captures.is_empty() {
            return Ok(begun.elapsed());
        }
        tokio::time::sleep(DRAIN_POLL).await;
    }
    Err(Failure::TimedOut("taking the captures"))
}

/// One capture at every planned moment, late or not: time counts from the plan.
async fn send(
    ready: Ready,
    (first, step): (Instant, Duration),
    window: Window,
) -> Result<(Times, u64), Failure> {
    let (mut times, mut accepted) = (Times::new()?, 0);
    let mut at = first;
    for capture in ready.captures {
        if !window.is_open() {
            break;
        }
        tokio::time::sleep_until(at.into()).await;
        let call = SendCaptures { captures: vec![capture] };
        let answer = ready.line.post(CAPTURES, &RequestId::make_random(), None, &call).await;
        let is_taken = answer.is_ok_and(|answer: CapturesAnswered| {
            answer.captures.iter().all(|one| one.result == Taken::Accepted)
        });
        if is_taken {
            accepted += 1;
            times.keep(window, at);
        } else {
            times.errors += 1;
        }
        at += step;
    }
    Ok((times, accepted))
}

/// Registers devices in Adachi, waits until the intake knows them, and seals what they hand in.
async fn prepare(ground: &Ground, devices: u32, each: usize) -> Result<Vec<Ready>, Failure> {
    let town = &ground.cast.adachi;
    let supervisor = ground.desk(&town.supervisor).await?;
    let authority = Authority::open(&ground.site.layout.authority(), &SystemClock)?;
    let mut tablets = Vec::new();
    for nth in 0..devices {
        let name = TerminalId::parse(&format!("bench-tablet-{nth}"));
        let name = name.map_err(|_| Failure::Claim("a device has a name"))?;
        let tablet = Device { municipality: town.code, name, key: SigningKey::make_random()? };
        let identity =
            PeerIdentity::Device { municipality: town.code, device: tablet.name.clone() };
        let issued = authority.issue(&identity, &[], tablet.name.as_str())?;
        let request = RegisterDevice {
            device: tablet.name.clone(),
            thumbprint: issued.thumbprint.to_vec().into(),
            verifying_key: tablet.key.verifying_key().as_bytes().to_vec().into(),
        };
        let registered = supervisor.room::<()>(DEVICES, &request).await;
        registered.map_err(Failure::call("registering a device"))?;
        tablets.push(tablet);
    }
    until_told(&supervisor).await?;
    let mut ready = Vec::new();
    let mut to = None;
    for (nth, tablet) in (0..).zip(tablets) {
        let line = ground.site.client(tablet.name.as_str(), ServiceKind::Intake)?;
        if to.is_none() {
            to = Some(sealing_key(ground, &line, &tablet).await?);
        }
        ready.extend(
            to.clone().map(|to| (line, spawn_blocking(move || seal(&tablet, &to, (nth, each))))),
        );
    }
    let mut all = Vec::new();
    for (line, sealing) in ready {
        let captures = sealing.await.map_err(|_| Failure::Interrupted)??;
        all.push(Ready { line, captures });
    }
    Ok(all)
}

async fn until_told(supervisor: &Desk) -> Result<(), Failure> {
    for _ in 0..TELL_ATTEMPTS_MAX {
        let listed = supervisor.room(DEVICES_LIST, &ListDevices::default()).await;
        let listed: Devices = listed.map_err(Failure::call("listing devices"))?;
        if listed.devices.iter().all(|one| one.in_force) {
            return Ok(());
        }
        tokio::time::sleep(TELL_PAUSE).await;
    }
    Err(Failure::Claim("the intake hears of devices within seconds"))
}

type SealingKey = Arc<Numbered<SealingPublicKey>>;

/// The municipality's key, from the signed directory that the intake hands on.
async fn sealing_key(
    ground: &Ground,
    line: &Client,
    tablet: &Device,
) -> Result<SealingKey, Failure> {
    let pinned = VerifyingKey::parse(&ground.site.settings.participants()?.directory_key)?;
    let signed = line.get(DEVICE_DIRECTORY, &RequestId::make_random()).await;
    let signed: Signed = signed.map_err(Failure::call("asking for the directory"))?;
    let document = verify(&pinned, Purpose::Directory, &signed);
    let document = document.map_err(|_| Failure::Claim("the directory is the registry's"))?;
    let now_unix_s = SystemClock.now().unix_timestamp();
    let directory = Directory::read(document);
    let key =
        directory.member(tablet.municipality).and_then(|member| member.sealing_key(now_unix_s));
    key.cloned().map(Arc::new).ok_or(Failure::Claim("the municipality has a sealing key"))
}

fn seal(
    tablet: &Device,
    to: &Numbered<SealingPublicKey>,
    (nth, captures): (u32, usize),
) -> Result<Vec<SealedCapture>, Failure> {
    let fault = |_| Failure::Claim("a made-up voucher is well formed");
    let first = nth.saturating_mul(u32::try_from(captures).unwrap_or(u32::MAX));
    let now = SystemClock.now();
    let dose = Vaccination {
        status: Status::Done,
        dose_number: 1,
        date: time::macros::date!(2021 - 12 - 20),
        maker: "ファイザー".to_owned(),
        lot: "FK0108".to_owned(),
        product: Some("コミナティ筋注".to_owned()),
        vaccine_kind: None,
        venue: Some("会場".to_owned()),
    };
    let one = |voucher: u32| {
        let voucher = vouchers::number(voucher);
        let capture = Capture {
            id: Uuid::now_v7(),
            voucher: Ticket::read(&voucher, tablet.municipality).map_err(fault)?,
            dose: dose.clone(),
            captured_at_unix_ms: now.unix_timestamp() * 1_000,
        };
        Ok(tablet.seal(to, &capture)?)
    };
    (first..).take(captures).map(one).collect()
}
