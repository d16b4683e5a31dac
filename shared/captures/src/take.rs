//! Takes what venues captured from the intake, opens it and puts it into the register or in front
//! of people; then lets the intake forget it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use device::{NotOurs, Origin};
use domain::capture::Capture;
use domain::{Action, MunicipalityCode, Permit, TerminalId};
use quality::Rules;
use room::{Host, Room, store};
use service::{ApiError, problems};
use store::device::Device;
use tokio::task::spawn_blocking;
use wire::intake::{
    CAPTURES_FETCH, CAPTURES_FORGET, CaptureName, Captures, DEVICES_KEEP, FetchCaptures,
    ForgetCaptures, KEEP_MAX, KeepDevices, KeptDevice, WaitingCapture,
};
use wire::{CallError, Client};

use crate::settle::{self, Opened};

/// Captures in one transaction: a clerk of the same room waits no longer than this takes.
const PAGE_MAX: u16 = 100;

/// What the job works with.
struct Taker {
    host: Arc<Host>,
    intake: Client,
    rules: Arc<Rules>,
}

/// How far the job is in one room.
#[derive(Default)]
struct Progress {
    /// The intake has heard of every device since this service started.
    is_told: bool,
    /// Captures up to this one have been looked at since the last were.
    after: u64,
}

/// Runs for as long as the service lives.  One page of each room in turn, so that neither another
/// room's captures nor the word that a device is lost waits for somebody's hundred thousand.
pub async fn run(host: Arc<Host>, intake: Client, every_ms: u64) {
    let taker = Taker { host, intake, rules: Arc::new(Rules::shipped()) };
    let every = Duration::from_millis(every_ms.max(1));
    let mut all: HashMap<MunicipalityCode, Progress> = HashMap::new();
    loop {
        let mut is_more = false;
        for room in taker.host.open_rooms() {
            let progress = all.entry(room.municipality).or_default();
            match taker.serve(room, progress).await {
                Ok(is_full) => is_more |= is_full,
                Err(error) => {
                    let (municipality, code) = (room.municipality, error.kind().code);
                    tracing::warn!(%municipality, code, "captures are not taken");
                }
            }
        }
        if !is_more {
            tokio::time::sleep(every).await;
        }
    }
}

impl Taker {
    /// Deals with a page of the room's captures; `true` if there may be more.
    async fn serve(&self, room: &Room, progress: &mut Progress) -> Result<bool, ApiError> {
        self.tell_devices(room, !progress.is_told).await?;
        progress.is_told = true;
        let permit = self.host.job(Action::RunJobs, room)?;
        let (municipality, after) = (room.municipality, progress.after);
        let wanted = FetchCaptures { municipality, after, limit: PAGE_MAX };
        let request = &permit.context().request;
        let page = self.intake.post(CAPTURES_FETCH, request, None, &wanted).await;
        let page: Captures = page.map_err(unavailable)?;
        let is_full = page.captures.len() >= usize::from(PAGE_MAX);
        let last = page.captures.last().map_or(0, |last| last.sequence);
        let captures = self.settle(room, &permit, page.captures).await?;
        if !captures.is_empty() {
            let gone = ForgetCaptures { municipality, captures };
            let forgotten = self.intake.post::<()>(CAPTURES_FORGET, request, None, &gone).await;
            forgotten.map_err(unavailable)?;
        }
        // What was left there is looked at again when everything has had its turn.
        progress.after = if is_full { last } else { 0 };
        Ok(is_full)
    }

    /// Tells the intake what is new about devices; once everything, for it may have lost what it
    /// knew.
    async fn tell_devices(&self, room: &Room, all: bool) -> Result<(), ApiError> {
        let limit = i64::try_from(KEEP_MAX).unwrap_or(i64::MAX);
        let mut after: Option<TerminalId> = None;
        loop {
            let permit = self.host.job(Action::RunJobs, room)?;
            let from = after.clone();
            let read = move |tx: &mut db::Tx, permit: &Permit| match all {
                true => store::device::list(tx, permit, (from.as_ref(), limit)),
                false => store::device::untold(tx, permit, limit),
            };
            let devices = self.host.read("partition.devices", &permit, read).await?;
            let Some(last) = devices.last() else { return Ok(()) };
            after = Some(last.name.clone());
            let is_last = devices.len() < KEEP_MAX;
            let told = self.tell(&permit, devices).await?;
            let note = move |tx: &mut db::Tx, _: &mut _| store::device::told(tx, &permit, &told);
            room.queue.write(note).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Tells the intake of these devices; those that it takes come back.
    ///
    /// It takes all or none.  If one has the name of another certificate there, because somebody
    /// has set back a database, the word that another one is lost must not wait for that.
    async fn tell(&self, permit: &Permit, devices: Vec<Device>) -> Result<Vec<Device>, ApiError> {
        match self.keep(permit, &devices).await {
            Ok(()) => return Ok(devices),
            Err(CallError::Refused(_)) => {}
            Err(error) => return Err(unavailable(error)),
        }
        let mut told = Vec::new();
        for one in devices {
            match self.keep(permit, std::slice::from_ref(&one)).await {
                Ok(()) => told.push(one),
                Err(CallError::Refused(problem)) => {
                    let (municipality, device) = (permit.municipality(), &one.name);
                    let code = problem.code;
                    tracing::error!(%municipality, %device, code, "the intake refuses a device");
                }
                Err(error) => return Err(unavailable(error)),
            }
        }
        Ok(told)
    }

    async fn keep(&self, permit: &Permit, devices: &[Device]) -> Result<(), CallError> {
        let kept = |one: &Device| KeptDevice {
            device: one.name.clone(),
            thumbprint: one.thumbprint.clone().into(),
            revoked: one.revoked_at_unix_ms.is_some(),
        };
        let municipality = permit.municipality();
        let devices = devices.iter().map(kept).collect();
        let told = KeepDevices { municipality, devices };
        self.intake.post(DEVICES_KEEP, &permit.context().request, None, &told).await
    }

    /// Deals with a page of captures; names those that are done for good.
    async fn settle(
        &self,
        room: &Room,
        permit: &Permit,
        captures: Vec<WaitingCapture>,
    ) -> Result<Vec<CaptureName>, ApiError> {
        if captures.is_empty() {
            return Ok(Vec::new());
        }
        let count = captures.len();
        let names: Vec<TerminalId> = captures.iter().map(|one| one.device.clone()).collect();
        let read = move |tx: &mut db::Tx, permit: &Permit| store::device::known(tx, permit, &names);
        let devices = self.host.read("partition.devices", permit, read).await?;
        let keys = room.keys()?;
        let opening = Arc::clone(&keys);
        let opened = spawn_blocking(move || {
            let mut opened = Vec::new();
            for one in captures {
                opened.extend(open(&opening, &devices, one));
            }
            opened
        });
        let opened = opened.await.map_err(|error| ApiError::caused(&problems::INTERNAL, error))?;
        let unknown = count - opened.len();
        if unknown > 0 {
            let municipality = room.municipality;
            tracing::error!(%municipality, unknown, "captures of devices that the room does not know");
        }
        let settled = opened.iter().map(|one| one.name.clone()).collect();
        let (rules, permit) = (Arc::clone(&self.rules), permit.clone());
        room.queue
            .write(move |tx, acts| settle::settle((tx, acts), (&keys, &permit, &rules), &opened))
            .await?;
        Ok(settled)
    }
}

/// Tries again later: nothing is lost meanwhile.
fn unavailable(error: CallError) -> ApiError {
    ApiError::caused(&problems::UNAVAILABLE, error)
}

/// Opens a capture, or says why it does not count.  One of a device that the room does not know
/// stays where it is: somebody has set back a database.
fn open(
    keys: &crypto::RoomKeys,
    devices: &HashMap<TerminalId, Device>,
    capture: WaitingCapture,
) -> Option<Opened> {
    let WaitingCapture { device: name, id, sealed, received_at_unix_ms, .. } = capture;
    let device = devices.get(&name)?;
    let is_revoked = device.revoked_at_unix_ms.is_some_and(|since| since < received_at_unix_ms);
    let content: Result<Capture, &'static str> = if is_revoked {
        Err("device-revoked")
    } else {
        let origin = Origin { device: &name, id, key: &device.key };
        device::open(keys, origin, &sealed.0).map_err(|fault: NotOurs| {
            tracing::warn!(%fault, "a capture does not open");
            "unreadable"
        })
    };
    Some(Opened { name: CaptureName { device: name, id }, content })
}
