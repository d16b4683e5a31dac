//! Staff read the notices that came, each with what adopting it would do to the register now.

use std::fmt::Write as _;

use crypto::RoomKeys;
use db::Tx;
use domain::subject::SubjectId;
use domain::vaccination::{Standing, Vaccination, VaccinationId};
use domain::{Action, NoticeKind, Permit};
use room::letter::Correction;
use room::operation_log::{About, entry};
use room::store::notice_in::{self, NoticeIn};
use room::store::vaccination::Held;
use room::{Host, store};
use service::ApiError;
use wire::notices::{ListNotices, NOTICES_LIMIT_MAX, Notice, NoticeEffect, Notices};

/// Bytes of a tag's digest: enough that two states of a person's doses never share one.
const TAG_BYTES: usize = 16;

pub(crate) async fn list(
    host: &Host,
    permit: Permit,
    request: ListNotices,
) -> Result<Notices, ApiError> {
    permit.expect_action(Action::ReadNotices)?;
    if !(1..=NOTICES_LIMIT_MAX).contains(&request.limit) {
        return Err(ApiError::field("limit"));
    }
    let room = host.room(permit.municipality())?;
    let keys = room.keys()?;
    let read = move |tx: &mut Tx, permit: &Permit| {
        let notices = notice_in::list(tx, &keys, permit, &request)?;
        let show = |notice: NoticeIn| {
            let own = Own::read(tx, &keys, permit, notice.subject)?;
            let weighed = own.weigh(&keys, &notice)?;
            show(notice, (&own, weighed))
        };
        notices.into_iter().map(show).collect::<Result<Vec<_>, ApiError>>()
    };
    let notices = host.read("partition.notices", &permit, read).await?;
    let result = format!("{} notices shown", notices.len());
    room.queue.add(entry(&permit, About::default(), &result)).await?;
    Ok(Notices { notices })
}

fn show(notice: NoticeIn, (own, weighed): (&Own, Weighed)) -> Result<Notice, ApiError> {
    let (earlier, now) = match notice.kind {
        NoticeKind::Corrected => {
            let Correction { earlier, after } = notice.letter.correction()?;
            (earlier, after.into_iter().collect())
        }
        NoticeKind::Released => (Vec::new(), notice.letter.doses()?),
    };
    Ok(Notice {
        notice: notice.id,
        kind: notice.kind,
        provider: notice.sender,
        inquiry: notice.inquiry,
        subject: notice.subject.0,
        received_at_unix_ms: notice.received_at_unix_ms,
        log_index: notice.log_index,
        state: notice.state,
        earlier,
        now,
        own: weighed.conflicts,
        effect: weighed.effect,
        etag: own.tag(),
    })
}

/// The register's doses of a person, with their histories.
pub(crate) struct Own {
    subject: SubjectId,
    pub(crate) versions: Vec<Held>,
    pub(crate) newest: Vec<Held>,
}

/// What adopting a notice would do.
pub(crate) struct Weighed {
    pub(crate) effect: NoticeEffect,
    pub(crate) steps: Vec<Step>,
    /// What the register says instead.
    pub(crate) conflicts: Vec<Vaccination>,
}

/// One further version of a dose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) id: VaccinationId,
    pub(crate) number: i32,
    pub(crate) vaccination: Vaccination,
    pub(crate) standing: Standing,
}

impl Step {
    fn withdraw(held: &Held) -> Self {
        let vaccination = held.version.vaccination.clone();
        let number = held.number.saturating_add(1);
        Self { id: held.id, number, vaccination, standing: Standing::Withdrawn }
    }
}

/// What one dose of the register says to a notice.
enum Word {
    Steps(Vec<Step>),
    Same,
    Conflict(Vaccination),
}

impl Own {
    pub(crate) fn read(
        tx: &mut Tx,
        keys: &RoomKeys,
        permit: &Permit,
        subject: SubjectId,
    ) -> Result<Self, ApiError> {
        let versions = store::vaccination::versions(tx, keys, permit, &subject)?;
        let newest = store::vaccination::newest(tx, keys, permit, &subject)?;
        Ok(Self { subject, versions, newest })
    }

    /// Names the state of the person's doses: another one as soon as any of them changes.
    pub(crate) fn tag(&self) -> String {
        let mut state: Vec<_> = self.newest.iter().map(|held| (held.id, held.number)).collect();
        state.sort_unstable();
        let mut bytes = self.subject.0.as_bytes().to_vec();
        for (id, number) in state {
            bytes.extend_from_slice(id.0.as_bytes());
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        crypto::sha256(&bytes).iter().take(TAG_BYTES).fold(String::new(), |mut text, byte| {
            // Writing into a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    pub(crate) fn weigh(&self, keys: &RoomKeys, notice: &NoticeIn) -> Result<Weighed, ApiError> {
        let words = match notice.kind {
            NoticeKind::Corrected => self.corrected(keys, &notice.letter.correction()?),
            NoticeKind::Released => {
                let doses = notice.letter.doses()?;
                doses.into_iter().map(|dose| self.released(keys, dose)).collect()
            }
        };
        let is_heard = !words.is_empty();
        let (mut steps, mut conflicts) = (Vec::new(), Vec::new());
        for word in words {
            match word {
                Word::Steps(some) => steps.extend(some),
                Word::Conflict(dose) => conflicts.push(dose),
                Word::Same => {}
            }
        }
        // A correction is taken whole or not at all; of a release, what is not there yet.
        if notice.kind == NoticeKind::Corrected && !conflicts.is_empty() {
            steps.clear();
        }
        let effect = match (steps.is_empty(), conflicts.is_empty()) {
            (false, _) => NoticeEffect::Fits,
            (true, false) => NoticeEffect::Conflict,
            (true, true) if is_heard => NoticeEffect::Same,
            (true, true) => NoticeEffect::NotHere,
        };
        Ok(Weighed { effect, steps, conflicts })
    }

    /// One word for each dose that is, or once was, as it was received.
    fn corrected(&self, keys: &RoomKeys, correction: &Correction) -> Vec<Word> {
        let Correction { earlier, after } = correction;
        let was_received = |held: &&Held| {
            let mut versions = self.versions.iter().filter(|version| version.id == held.id);
            versions.any(|version| earlier.contains(&version.version.vaccination))
        };
        let received = self.newest.iter().filter(was_received);
        received.map(|held| self.answer(keys, held, (earlier, after.as_ref()))).collect()
    }

    fn answer(
        &self,
        keys: &RoomKeys,
        held: &Held,
        (earlier, after): (&[Vaccination], Option<&Vaccination>),
    ) -> Word {
        let own = &held.version.vaccination;
        let is_in_force = held.version.standing == Standing::InForce;
        let is_unchanged = is_in_force && earlier.contains(own);
        let Some(after) = after else {
            return match (is_in_force, is_unchanged) {
                (false, _) => Word::Same,
                (true, true) => Word::Steps(vec![Step::withdraw(held)]),
                (true, false) => Word::Conflict(own.clone()),
            };
        };
        if is_in_force && own == after {
            return Word::Same;
        }
        let id = self.place(keys, after);
        if id == held.id {
            return match is_unchanged {
                true => Word::Steps(vec![self.next(id, after)]),
                false => Word::Conflict(own.clone()),
            };
        }
        // Another kind or number is another dose: the old one was none.
        let there = self.in_force(id);
        let place = match there {
            Some(other) if other != after => return Word::Conflict(other.clone()),
            Some(_) => Vec::new(),
            None => vec![self.next(id, after)],
        };
        match (is_in_force, is_unchanged) {
            (true, true) => Word::Steps([Step::withdraw(held)].into_iter().chain(place).collect()),
            (false, _) if place.is_empty() => Word::Same,
            _ => Word::Conflict(own.clone()),
        }
    }

    fn released(&self, keys: &RoomKeys, dose: Vaccination) -> Word {
        let id = self.place(keys, &dose);
        match self.newest.iter().find(|held| held.id == id) {
            None => Word::Steps(vec![self.next(id, &dose)]),
            Some(held) if held.version.standing == Standing::Withdrawn => Word::Conflict(dose),
            Some(held) if held.version.vaccination == dose => Word::Same,
            Some(held) => Word::Conflict(held.version.vaccination.clone()),
        }
    }

    fn place(&self, keys: &RoomKeys, dose: &Vaccination) -> VaccinationId {
        keys.dose_id(&self.subject, dose.vaccine_kind.as_deref(), dose.dose_number)
    }

    fn in_force(&self, id: VaccinationId) -> Option<&Vaccination> {
        let held = self.newest.iter().find(|held| held.id == id)?;
        (held.version.standing == Standing::InForce).then_some(&held.version.vaccination)
    }

    fn next(&self, id: VaccinationId, dose: &Vaccination) -> Step {
        let last = self.newest.iter().find(|held| held.id == id).map_or(0, |held| held.number);
        let number = last.saturating_add(1);
        Step { id, number, vaccination: dose.clone(), standing: Standing::InForce }
    }
}
