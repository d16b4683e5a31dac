//! Ends a municipality's use of the platform: two supervisors agree, the room signs that it ends,
//! then its keys are destroyed.  What is left, here and in every backup, can never be read again.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use crypto::{RoomKeys, sha256};
use db::Tx;
use domain::{Action, Permit};
use ledger::{EMPTY_ROOT, KeyName, Note, Origin};
use room::checkpoint::cosign;
use room::host::room_key;
use room::operation_log::{About, entry, unix_ms};
use room::{Host, Room};
use service::problems::ProblemKind;
use service::{ApiError, problems as common};
use wire::erasure::{CloseRoom, RoomClosing};

use crate::people::person;
use crate::store::personal::hex;
use crate::taken::{Taken, taken};
use crate::{problems, store};

pub(crate) async fn close(
    host: &Host,
    permit: Permit,
    request: CloseRoom,
) -> Result<RoomClosing, ApiError> {
    permit.expect_action(Action::CloseRoom)?;
    if request.municipality != permit.municipality() {
        return Err(ApiError::field("municipality"));
    }
    if !request.export_taken {
        return Err(ApiError::field("exportTaken"));
    }
    let room = host.room(permit.municipality())?;
    let (keys, who, origin) = (room.keys()?, person(&permit)?, host.log_origin.clone());
    let decided = room
        .queue
        .write(move |tx, acts| {
            let by = By { keys: &keys, permit: &permit, who: &who, origin: &origin };
            let decided = by.decide(tx, &request)?;
            let result = match &decided {
                Ok(closing) if closing.closed => "closed",
                Ok(_) => "proposed",
                Err(kind) => kind.code,
            };
            acts.add(entry(&permit, About::default(), result));
            Ok(decided)
        })
        .await?;
    let closing = decided.map_err(ApiError::new)?;
    if closing.closed {
        // If the slip can't be put down now, the job goes on.
        finish(host, &room, &closing).inspect_err(|_| host.endings.ask(room.municipality))?;
    }
    Ok(closing)
}

/// Destroys the keys of a room whose end two persons agreed on before a crash.
pub(crate) async fn go_on(host: &Host, room: &Room) -> Result<(), ApiError> {
    let permit = host.job(Action::RunJobs, room)?;
    let find = |tx: &mut Tx, permit: &Permit| store::closing::agreed(tx, permit);
    let agreed = host.read("erasure.closing", &permit, find).await?;
    agreed.map_or(Ok(()), |closing| finish(host, room, &closing))
}

struct By<'a> {
    keys: &'a RoomKeys,
    permit: &'a Permit,
    who: &'a str,
    origin: &'a Origin,
}

impl By<'_> {
    fn decide(
        &self,
        tx: &mut Tx,
        request: &CloseRoom,
    ) -> Result<Result<RoomClosing, &'static ProblemKind>, ApiError> {
        let Self { permit, who, .. } = self;
        let known = store::closing::find(tx, permit, request.closing)?;
        // The same person asking again is a retry; only another one ends the room.
        let is_retry = |known: &RoomClosing| known.closed || known.proposed_by == *who;
        if let Some(known) = known.clone().filter(is_retry) {
            return Ok(Ok(known));
        }
        let Some(taken) = taken(tx, permit)? else { return Ok(Err(&problems::NOT_EXPORTED)) };
        let Some(mut closing) = known else {
            store::closing::insert(tx, permit, (request.closing, who))?;
            let known = store::closing::find(tx, permit, request.closing)?;
            return Ok(known.ok_or(&common::INTERNAL));
        };
        let slip = self.slip(tx, (&closing, &taken))?;
        store::closing::agree(tx, permit, (closing.closing, who, &slip))?;
        closing.slip = Some(slip);
        closing.closed = true;
        Ok(Ok(closing))
    }

    /// What the room says last, signed with a key that is in the directory.
    fn slip(
        &self,
        tx: &mut Tx,
        (closing, taken): (&RoomClosing, &[Taken]),
    ) -> Result<String, ApiError> {
        let Self { keys, permit, who, origin } = self;
        let room = room_key(permit.municipality())?;
        let at_unix_ms = unix_ms(permit.context().at);
        let (size, root) = room::store::operation::last(tx, room)?.unwrap_or((0, EMPTY_ROOT));
        let checkpoint = room::store::operation::last_checkpoint(tx, room)?;
        let checkpoint =
            checkpoint.map_or_else(|| "-".to_owned(), |(_, note)| hex(&sha256(note.as_bytes())));
        let municipality = permit.municipality();
        let public = keys.public_keys();
        let exports: String = taken.iter().map(|one| format!("{one}\n")).collect();
        let text = format!(
            "watari/room-closed/1\nmunicipality {municipality}\nclosing {}\nproposed-by {}\n\
             approved-by {who}\napproved-at-unix-ms {at_unix_ms}\noperation-log {size} {root}\n\
             checkpoint-sha256 {checkpoint}\n{exports}data-keys {}\nsealing-keys {}\n\
             signing-keys {}\n",
            closing.closing,
            closing.proposed_by,
            list(keys.data_keys().into_iter()),
            list(public.sealing.iter().map(|key| key.id)),
            list(public.signing.iter().map(|key| key.id)),
        );
        let name = format!("{origin}/operations/{municipality}");
        let name = KeyName::parse(&name).map_err(internal)?;
        let line = cosign(keys, name, &text, at_unix_ms / 1_000)?;
        Note::from_parts(text, vec![line]).map(|note| note.to_string()).map_err(internal)
    }
}

/// The slip first, the keys last; each may be done twice.
fn finish(host: &Host, room: &Room, closing: &RoomClosing) -> Result<(), ApiError> {
    if let (Some(folder), Some(slip)) = (&host.ending.slips, &closing.slip) {
        let file = folder.join(format!("{}.closed.note", room.municipality));
        write(&file, slip).map_err(|error| ApiError::caused(&common::UNAVAILABLE, error))?;
    }
    room.ring.close()?;
    tracing::warn!(municipality = %room.municipality, "the room is closed, its keys are destroyed");
    Ok(())
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn list(ids: impl Iterator<Item = u32>) -> String {
    ids.map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}

fn internal(error: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    ApiError::caused(&common::INTERNAL, error)
}
