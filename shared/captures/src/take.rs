//! Takes what venues captured from the intake, opens it and puts it into the register or in front
//! of people; then lets the intake forget it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use device::{NotOurs, Origin};
use domain::capture::Capture;
use domain::{Action, Permit, TerminalId};
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

/// Runs for as long as the service lives.
pub async fn run(host: Arc<Host>, intake: Client, every_ms: u64) {
    let taker = Taker { host, intake, rules: Arc::new(Rules::shipped()) };
    let every = Duration::from_millis(every_ms.max(1));
    let mut is_first = true;
    loop {
        for room in taker.host.rooms.values() {
            if let Err(error) = taker.serve(room, is_first).await {
                let (municipality, code) = (room.municipality, error.kind().code);
                tracing::warn!(%municipality, code, "captures are not taken");
            }
        }
        is_first = false;
        tokio::time::sleep(every).await;
    }
}

impl Taker {
    async fn serve(&self, room: &Room, is_first: bool) -> Result<(), ApiError> {
        self.tell_devices(room, is_first).await?;
        let mut after = 0;
        loop {
            let permit = self.host.job(Action::RunJobs, room)?;
            let wanted = FetchCaptures { municipality: room.municipality, after, limit: PAGE_MAX };
            let request = &permit.context().request;
            let page = self.intake.post(CAPTURES_FETCH, request, None, &wanted).await;
            let page: Captures = page.map_err(unavailable)?;
            let Some(last) = page.captures.last() else { return Ok(()) };
            let is_last = page.captures.len() < usize::from(PAGE_MAX);
            after = last.sequence;
            let settled = self.settle(room, &permit, page.captures).await?;
            let gone = ForgetCaptures { municipality: room.municipality, captures: settled };
            let forgotten = self.intake.post::<()>(CAPTURES_FORGET, request, None, &gone).await;
            forgotten.map_err(unavailable)?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Tells the intake what is new about devices; at the start everything, for it may have lost
    /// what it knew.
    async fn tell_devices(&self, room: &Room, is_first: bool) -> Result<(), ApiError> {
        let limit = i64::try_from(KEEP_MAX).unwrap_or(i64::MAX);
        let mut after: Option<TerminalId> = None;
        loop {
            let permit = self.host.job(Action::RunJobs, room)?;
            let from = after.clone();
            let read = move |tx: &mut db::Tx, permit: &Permit| match is_first {
                true => store::device::list(tx, permit, (from.as_ref(), limit)),
                false => store::device::untold(tx, permit, limit),
            };
            let devices = self.host.read("partition.devices", &permit, read).await?;
            let Some(last) = devices.last() else { return Ok(()) };
            after = Some(last.name.clone());
            let is_last = devices.len() < KEEP_MAX;
            let kept = |one: &Device| KeptDevice {
                device: one.name.clone(),
                thumbprint: one.thumbprint.clone().into(),
                revoked: one.revoked_at_unix_ms.is_some(),
            };
            let told = KeepDevices {
                municipality: room.municipality,
                devices: devices.iter().map(kept).collect(),
            };
            let request = permit.context().request.clone();
            let kept = self.intake.post::<()>(DEVICES_KEEP, &request, None, &told).await;
            kept.map_err(unavailable)?;
            let note = move |tx: &mut db::Tx, _: &mut _| store::device::told(tx, &permit, &devices);
            room.queue.write(note).await?;
            if is_last {
                return Ok(());
            }
        }
    }

    /// Deals with a page of captures; names those that are done for good.
    async fn settle(
        &self,
        room: &Room,
        permit: &Permit,
        captures: Vec<WaitingCapture>,
    ) -> Result<Vec<CaptureName>, ApiError> {
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
    let Some(device) = devices.get(&name) else {
        tracing::error!("a capture of a device that the room does not know waits at the intake");
        return None;
    };
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
