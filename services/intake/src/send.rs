//! A device hands in what it captured; answered only once it is durable.

use domain::Action;
use service::{ApiError, Caller, Directory, problems};
use wire::intake::{
    CaptureAnswer, CapturesAnswered, SEALED_BYTES_MAX, SEND_MAX, SealedCapture, SendCaptures, Taken,
};

use crate::access::Line;
use crate::intake::Intake;
use crate::sender::{Name, Sender};
use crate::writer::{Handed, Wanted};

/// Key id and encapsulated key; the content in steps of 512 bytes and its tag come after.
const HEAD_BYTES: usize = 4 + 1_120;
const STEP_BYTES: usize = 512;
const TAG_BYTES: usize = 16;
/// How long a device waits that sent too much.
const RETRY_S: u64 = 10;

impl Intake {
    pub(crate) async fn send(
        &self,
        caller: &Caller,
        request: SendCaptures,
    ) -> Result<CapturesAnswered, ApiError> {
        let sender = Sender::of(caller)?;
        let captures = request.captures;
        if captures.is_empty() || captures.len() > SEND_MAX {
            return Err(ApiError::field("captures"));
        }
        self.take_rate(caller, &sender.name, captures.len())?;
        let directory = self.directory(&caller.context)?;
        let now_unix_s = caller.context.at.unix_timestamp();
        let mut room = self.waiting.room(&sender.name, self.limits.waiting_per_device_max);
        let mut judge = |capture: &SealedCapture| {
            let taken = judge(&directory, &sender.name, (capture, now_unix_s));
            match (taken, room) {
                (Taken::Accepted, 0) => Taken::TooManyWaiting,
                (Taken::Accepted, _) => {
                    room -= 1;
                    Taken::Accepted
                }
                (other, _) => other,
            }
        };
        let answers: Vec<CaptureAnswer> =
            captures.iter().map(|one| CaptureAnswer { id: one.id, result: judge(one) }).collect();
        let well = captures.into_iter().zip(&answers);
        let well = well.filter(|(_, answer)| answer.result == Taken::Accepted);
        let well = well.map(|(capture, _)| capture).collect();
        self.keep(caller, sender, (well, answers.len())).await?;
        answers.iter().for_each(|answer| self.metrics.answered(answer.result));
        Ok(CapturesAnswered { captures: answers })
    }

    fn take_rate(&self, caller: &Caller, name: &Name, captures: usize) -> Result<(), ApiError> {
        let captures = u32::try_from(captures).unwrap_or(u32::MAX);
        let is_left =
            self.rates.lock().is_ok_and(|mut rates| rates.take(name, captures, caller.context.at));
        let refusal = || ApiError::new(&problems::TOO_MANY).retry_after_s(RETRY_S);
        is_left.then_some(()).ok_or_else(refusal)
    }

    /// Waits until the writer has them; also with none it says whether the device may send.
    async fn keep(
        &self,
        caller: &Caller,
        sender: Sender,
        (captures, all): (Vec<SealedCapture>, usize),
    ) -> Result<(), ApiError> {
        let (name, kept) = (sender.name.clone(), captures.len());
        let line = Line::of(&caller.context, Action::SendCapture);
        let line = Line { kept, refused: all - kept, ..line };
        let received_at_unix_ms = line.at_unix_ms;
        let handed = Some(Handed { sender, captures, received_at_unix_ms });
        let written = self.write(Wanted { line, handed }).await;
        let is_heard = match &written {
            Ok(()) => true,
            Err(error) => crate::problems::ALL.contains(&error.kind()),
        };
        if is_heard {
            caller.context.recorded.set();
        }
        written?;
        self.waiting.came(&name, u64::try_from(kept).unwrap_or(u64::MAX));
        Ok(())
    }
}

/// What can be told without opening it.
fn judge(
    directory: &Directory,
    name: &Name,
    (capture, now_unix_s): (&SealedCapture, i64),
) -> Taken {
    let sealed = &capture.sealed.0;
    if sealed.len() > SEALED_BYTES_MAX {
        return Taken::TooLarge;
    }
    let content = sealed.len().saturating_sub(HEAD_BYTES + TAG_BYTES);
    let is_whole = content > 0 && content.is_multiple_of(STEP_BYTES);
    let names_key =
        sealed.first_chunk().is_some_and(|id| u32::from_be_bytes(*id) == capture.key_id);
    if !is_whole || !names_key {
        return Taken::Malformed;
    }
    match directory.member(name.municipality) {
        Some(member) if member.has_sealing_key(capture.key_id, now_unix_s) => Taken::Accepted,
        _ => Taken::UnknownKey,
    }
}
