//! What the register has and a file has not.

use std::collections::HashSet;

use domain::subject::SubjectId;
use domain::vaccination::Standing;
use interchange::FileKind;
use room::store::many;
use service::ApiError;
use uuid::Uuid;

use super::Stop;
use super::job::Job;
use super::sheet::Sheet;
use crate::store;

/// What a file has named so far.
#[derive(Debug, Default)]
pub(super) struct Known {
    named: HashSet<Uuid>,
}

impl Known {
    /// A person or dose of the register stands in the file.
    pub(super) fn note(&mut self, handle: Uuid) {
        self.named.insert(handle);
    }

    /// Goes through the register once; vouchers are not compared.
    pub(super) fn note_missing(
        &self,
        job: &Job,
        sheet: &mut Sheet,
        kind: FileKind,
    ) -> Result<(), Stop> {
        match kind {
            FileKind::Subjects => self.missing_persons(job, sheet),
            FileKind::Doses => self.missing_doses(job, sheet),
            FileKind::Vouchers | FileKind::Batch => Ok(()),
        }
    }

    fn missing_persons(&self, job: &Job, sheet: &mut Sheet) -> Result<(), Stop> {
        let mut after = Vec::new();
        loop {
            let from = after.clone();
            let read = move |tx: &mut db::Tx, permit: &domain::Permit| {
                store::register::persons(tx, permit, &from)
            };
            let page = job.read("imports.compare", read)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            for (_, id) in &page {
                let id = room::store::read_uuid(id)?;
                if !self.named.contains(&id) {
                    sheet.note_missing(id);
                }
            }
            self.keep(job, sheet)?;
        }
    }

    fn missing_doses(&self, job: &Job, sheet: &mut Sheet) -> Result<(), Stop> {
        let mut after = (Vec::new(), Vec::new());
        loop {
            let from = after.clone();
            let read = move |tx: &mut db::Tx, permit: &domain::Permit| {
                store::register::doses(tx, permit, (&from.0, &from.1))
            };
            let page = job.read("imports.compare", read)?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(last);
            let mut missing = Vec::new();
            for (subject, id) in &page {
                let id = room::store::read_uuid(id)?;
                if !self.named.contains(&id) {
                    missing.push((SubjectId(room::store::read_uuid(subject)?), id));
                }
            }
            for id in in_force(job, &missing)? {
                sheet.note_missing(id);
            }
            self.keep(job, sheet)?;
        }
    }

    fn keep(&self, job: &Job, sheet: &mut Sheet) -> Result<(), Stop> {
        let is_kept = job.keep(sheet, job.file.total_bytes)?;
        if is_kept { Ok(()) } else { Err(Stop::Gone) }
    }
}

/// Those of the doses that count: nobody misses what was withdrawn.
fn in_force(job: &Job, doses: &[(SubjectId, Uuid)]) -> Result<Vec<Uuid>, ApiError> {
    let mut subjects: Vec<SubjectId> = doses.iter().map(|(subject, _)| *subject).collect();
    subjects.dedup();
    let keys = job.keys.clone();
    let held =
        job.read("imports.compare", move |tx, permit| many::doses(tx, &keys, permit, &subjects))?;
    let counts = |(subject, id): &&(SubjectId, Uuid)| {
        let held = held.get(subject).into_iter().flatten().find(|held| held.id.0 == *id);
        held.is_some_and(|held| held.version.standing == Standing::InForce)
    };
    Ok(doses.iter().filter(counts).map(|(_, id)| *id).collect())
}
