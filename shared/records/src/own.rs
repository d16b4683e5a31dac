//! What the register says of a person's doses, and what a notice would do to them.

use std::fmt::Write as _;

use crypto::RoomKeys;
use db::Tx;
use domain::subject::SubjectId;
use domain::vaccination::{Provenance, Standing, Vaccination, VaccinationId};
use domain::{MunicipalityCode, NoticeKind, Permit};
use room::letter::Correction;
use room::store;
use room::store::notice_in::{self, NoticeIn};
use room::store::vaccination::{Held, Version};
use service::ApiError;
use wire::notices::NoticeEffect;

/// Bytes of a tag's digest: enough that two states of a person's doses never share one.
const TAG_BYTES: usize = 16;

/// The register's doses of a person, with their histories.
#[derive(Clone)]
pub(crate) struct Own {
    pub(crate) subject: SubjectId,
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
            NoticeKind::Corrected => self.corrected(keys, &notice.letter.correction()?, |_| true),
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

    /// Goes on with one further version, which the caller writes.
    pub(crate) fn add(&mut self, step: Step, provenance: Provenance) -> Held {
        let Step { id, number, vaccination, standing } = step;
        let held = Held { id, number, version: Version { vaccination, provenance, standing } };
        self.newest.retain(|known| known.id != id);
        self.newest.push(held.clone());
        self.versions.push(held.clone());
        held
    }

    /// All versions that a received dose begins with: as it was received, and what its provider has
    /// said since; or the dose that is in the way.
    pub(crate) fn catch_up(
        &mut self,
        keys: &RoomKeys,
        permit: &Permit,
        (first, told): (Held, &[NoticeIn]),
    ) -> Result<Result<Vec<Held>, Vaccination>, ApiError> {
        let mut new = vec![first];
        for notice in told {
            let is_new = |held: &Held| new.iter().any(|new| new.id == held.id);
            for word in self.corrected(keys, &notice.letter.correction()?, is_new) {
                match word {
                    Word::Steps(steps) => {
                        let why = provenance(permit, notice);
                        new.extend(steps.into_iter().map(|step| self.add(step, why.clone())));
                    }
                    Word::Same => {}
                    Word::Conflict(other) => return Ok(Err(other)),
                }
            }
        }
        Ok(Ok(new))
    }

    /// One word for each of these doses that is, or once was, as it was received.
    fn corrected(
        &self,
        keys: &RoomKeys,
        correction: &Correction,
        is_meant: impl Fn(&Held) -> bool,
    ) -> Vec<Word> {
        let Correction { earlier, after } = correction;
        let was_received = |held: &&Held| {
            let mut versions = self.versions.iter().filter(|version| version.id == held.id);
            versions.any(|version| earlier.contains(&version.version.vaccination))
        };
        let received = self.newest.iter().filter(|held| is_meant(held)).filter(was_received);
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
        let is_unchanged = earlier.contains(own) && (is_in_force || is_told(held));
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
        let place = match self.newest.iter().find(|other| other.id == id) {
            Some(Held { version: Version { vaccination, standing, .. }, .. })
                if *standing == Standing::InForce && vaccination == after =>
            {
                Vec::new()
            }
            Some(other) if other.version.standing == Standing::InForce || !is_told(other) => {
                return Word::Conflict(other.version.vaccination.clone());
            }
            _ => vec![self.next(id, after)],
        };
        match (is_in_force, is_unchanged) {
            (true, true) => Word::Steps([Step::withdraw(held)].into_iter().chain(place).collect()),
            (false, _) if place.is_empty() => Word::Same,
            (false, true) => Word::Steps(place),
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

    fn next(&self, id: VaccinationId, dose: &Vaccination) -> Step {
        let last = self.newest.iter().find(|held| held.id == id).map_or(0, |held| held.number);
        let number = last.saturating_add(1);
        Step { id, number, vaccination: dose.clone(), standing: Standing::InForce }
    }
}

/// Whether the newest version is another municipality's word, which a later word may take back; what
/// the own staff decided stays.
fn is_told(held: &Held) -> bool {
    matches!(held.version.provenance, Provenance::Noticed { .. })
}

/// What the provider has said about the person since, whatever staff made of it then.
pub(crate) fn corrections(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    (subject, provider): (&SubjectId, MunicipalityCode),
) -> Result<Vec<NoticeIn>, ApiError> {
    let mut told = notice_in::of_subject(tx, keys, permit, subject)?;
    told.retain(|one| one.sender == provider && one.kind == NoticeKind::Corrected);
    // An origin begins with its time.
    told.sort_by_key(|one| one.letter.origin);
    Ok(told)
}

/// What a version that a notice brings says of where it came from.
pub(crate) fn provenance(permit: &Permit, notice: &NoticeIn) -> Provenance {
    let at_unix_s = permit.context().at.unix_timestamp();
    let (provider, inquiry) = (notice.sender, notice.inquiry);
    match notice.kind {
        NoticeKind::Corrected => Provenance::Noticed { provider, notice: notice.id.0, at_unix_s },
        NoticeKind::Released => Provenance::Adopted { provider, inquiry, at_unix_s },
    }
}
