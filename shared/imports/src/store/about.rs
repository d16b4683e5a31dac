//! Finds a person's rows among those of files and of the quarantine desk.

use std::collections::BTreeMap;

use ::room::store::schema::vaccination;
use ::room::store::{read_uuid, subject, vaccination as dose, voucher};
use crypto::RoomKeys;
use db::{Tx, on_engine};
use diesel::prelude::*;
use domain::subject::SubjectId;
use domain::vaccination::VaccinationId;
use domain::{IndividualNumber, Permit};
use service::ApiError;
use uuid::Uuid;
use wire::exports::{DisclosedDoubt, DoubtState, DoubtText, FileFinding};
use wire::quarantine::QuarantineOrigin;

use super::quarantine::{COLUMNS, Columns, Kept, kept};
use super::schema::{
    import_file, import_finding, import_subject, import_vaccination, import_voucher, quarantine,
};
use super::{broken_row, failed};
use crate::about::{Waiting, Whom};
use crate::quarantine::{Origin, Row};
use crate::quarantine_list::given;
use crate::reason::told;

/// Far above what a life brings, so that one answer stays readable.
const ROWS_MAX: usize = 1_000;
/// Rows that name nobody of the register are looked through, so many at once.
const ROWS_AT_ONCE: i64 = 1_000;

type Decision = (String, Option<String>, Option<i64>);

/// The doubtful rows about a person: those that became the person's record or, where nobody has
/// decided so, name the person; of those that name nobody of the register, the ones that say this
/// number.
pub(crate) fn doubtful(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    Whom { number, subject }: Whom<'_>,
) -> Result<Option<Vec<DisclosedDoubt>>, ApiError> {
    let (code, mut found) = (permit.municipality(), Vec::new());
    let whose = subject.map(|subject| subject.0.as_bytes().to_vec());
    if let Some(subject) = whose {
        let is_named = quarantine::subject_id.eq(subject.clone());
        let is_named = is_named.and(quarantine::taken_for.is_null());
        let query = quarantine::table
            .filter(quarantine::municipality.eq(code.as_str()))
            .filter(quarantine::taken_for.eq(subject).or(is_named))
            .order(quarantine::id)
            .limit(one_more()?)
            .select((COLUMNS, DECISION));
        let rows: Vec<(Columns, Decision)> = query.load(tx).map_err(failed)?;
        for (row, decision) in rows {
            found.push(disclosed(kept(keys, row)?, decision)?);
        }
    }
    let mut after = Vec::new();
    loop {
        let query = quarantine::table
            .filter(quarantine::municipality.eq(code.as_str()))
            .filter(quarantine::subject_id.is_null())
            .filter(quarantine::taken_for.is_null())
            .filter(quarantine::id.gt(after))
            .order(quarantine::id)
            .limit(ROWS_AT_ONCE)
            .select((COLUMNS, DECISION));
        let rows: Vec<(Columns, Decision)> = query.load(tx).map_err(failed)?;
        let Some(((last, ..), _)) = rows.last() else { break };
        after = last.clone();
        for (row, decision) in rows {
            let row = kept(keys, row)?;
            if matches!(&row.row, Row::Subject(one) if one.individual_number == *number) {
                found.push(disclosed(row, decision)?);
            }
        }
    }
    found.sort_by_key(|one| one.created_at_unix_ms);
    Ok((found.len() <= ROWS_MAX).then_some(found))
}

type Decided = (quarantine::state, quarantine::decision, quarantine::decided_at_unix_ms);
const DECISION: Decided = (quarantine::state, quarantine::decision, quarantine::decided_at_unix_ms);

/// Without the likely right answer, which may be about somebody else.
fn disclosed(
    kept: Kept,
    (state, decision, decided_at): Decision,
) -> Result<DisclosedDoubt, ApiError> {
    let (origin, from) = match kept.origin {
        Origin::Import(id) => (QuarantineOrigin::Import, id),
        Origin::Capture(id) => (QuarantineOrigin::Capture, id),
    };
    let text = |doubt: &quality::Doubt| DoubtText {
        code: doubt.kind.code().to_owned(),
        text: doubt.kind.text().to_owned(),
    };
    Ok(DisclosedDoubt {
        given: given(&kept.row),
        doubts: kept.doubts.iter().map(text).collect(),
        origin,
        from,
        line: u64::try_from(kept.line).map_err(|_| broken_row())?,
        state: match state.as_str() {
            "staged" => DoubtState::Staged,
            "open" => DoubtState::Open,
            "decided" => DoubtState::Decided,
            _ => return Err(broken_row()),
        },
        decision,
        created_at_unix_ms: kept.created_at_unix_ms,
        decided_at_unix_ms: decided_at,
    })
}

/// Under which handles files bring somebody with this number.
pub(crate) fn staged_as(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    number: &IndividualNumber,
) -> Result<Vec<SubjectId>, ApiError> {
    let rows: Vec<Vec<u8>> = import_subject::table
        .filter(import_subject::municipality.eq(permit.municipality().as_str()))
        .filter(import_subject::number_index.eq(keys.blind_index(number).as_bytes().as_slice()))
        .select(import_subject::id)
        .load(tx)
        .map_err(failed)?;
    rows.iter().map(|id| read_uuid(id).map(SubjectId)).collect()
}

/// Of which file, whose, which version, and what is sealed.
type EntryRow = (Vec<u8>, Vec<u8>, i32, Vec<u8>);
/// Of which file, whose, which dose, and what is sealed.
type DoseRow = (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>);

/// What waits for the approval of a file, by file, oldest first.
pub(crate) fn waiting(
    tx: &mut Tx,
    keys: &RoomKeys,
    permit: &Permit,
    handles: &[SubjectId],
) -> Result<Option<Vec<Waiting>>, ApiError> {
    let code = permit.municipality();
    let ids: Vec<&[u8]> = handles.iter().map(|id| id.0.as_bytes().as_slice()).collect();
    let mut files: BTreeMap<Vec<u8>, Waiting> = BTreeMap::new();
    let query = import_subject::table
        .filter(import_subject::municipality.eq(code.as_str()))
        .filter(import_subject::id.eq_any(&ids))
        .order((import_subject::import_id, import_subject::seq))
        .limit(one_more()?)
        .select((
            import_subject::import_id,
            import_subject::id,
            import_subject::version,
            import_subject::sealed,
        ));
    let entries: Vec<EntryRow> = on_engine!(tx, c => query.load(c)).map_err(failed)?;
    let query = import_vaccination::table
        .filter(import_vaccination::municipality.eq(code.as_str()))
        .filter(import_vaccination::subject_id.eq_any(&ids))
        .order((import_vaccination::import_id, import_vaccination::seq))
        .limit(one_more()?)
        .select((
            import_vaccination::import_id,
            import_vaccination::subject_id,
            import_vaccination::id,
            import_vaccination::sealed,
        ));
    let doses: Vec<DoseRow> = on_engine!(tx, c => query.load(c)).map_err(failed)?;
    let query = import_voucher::table
        .filter(import_voucher::municipality.eq(code.as_str()))
        .filter(import_voucher::subject_id.eq_any(&ids))
        .order((import_voucher::import_id, import_voucher::seq))
        .limit(one_more()?)
        .select((
            import_voucher::import_id,
            (
                import_voucher::voucher_index,
                import_voucher::dose_number,
                import_voucher::subject_id,
                import_voucher::sealed,
            ),
        ));
    let vouchers: Vec<(Vec<u8>, voucher::Row)> =
        on_engine!(tx, c => query.load(c)).map_err(failed)?;
    if entries.len() + doses.len() + vouchers.len() > ROWS_MAX {
        return Ok(None);
    }
    for (import, id, version, sealed) in entries {
        let entry = subject::read(keys, SubjectId(read_uuid(&id)?), version, &sealed)?;
        file(tx, permit, &mut files, import)?.entry.push(entry);
    }
    for (import, subject, id, sealed) in doses {
        let (subject, id) = (SubjectId(read_uuid(&subject)?), VaccinationId(read_uuid(&id)?));
        // Rows of files are first versions.
        let version = dose::open(keys, (&subject, &id, 1), &sealed)?;
        let held = dose::Held { id, number: 1, version };
        file(tx, permit, &mut files, import)?.doses.push(held);
    }
    for (import, row) in vouchers {
        let issued = voucher::read(keys, row)?;
        file(tx, permit, &mut files, import)?.vouchers.push(issued);
    }
    let mut files: Vec<Waiting> = files.into_values().collect();
    files.sort_by_key(|file| (file.uploaded_at_unix_ms, file.import));
    Ok(Some(files))
}

fn file<'a>(
    tx: &mut Tx,
    permit: &Permit,
    files: &'a mut BTreeMap<Vec<u8>, Waiting>,
    id: Vec<u8>,
) -> Result<&'a mut Waiting, ApiError> {
    if !files.contains_key(&id) {
        let uploaded_at_unix_ms = import_file::table
            .find((permit.municipality().as_str(), id.as_slice()))
            .select(import_file::uploaded_at_unix_ms)
            .first(tx)
            .map_err(failed)?;
        let waiting = Waiting {
            import: read_uuid(&id)?,
            uploaded_at_unix_ms,
            entry: Vec::new(),
            doses: Vec::new(),
            vouchers: Vec::new(),
        };
        files.insert(id.clone(), waiting);
    }
    files.get_mut(&id).ok_or_else(broken_row)
}

/// The handles of a person's doses.
pub(crate) fn doses(
    tx: &mut Tx,
    permit: &Permit,
    subject: SubjectId,
) -> Result<Vec<Uuid>, ApiError> {
    let rows: Vec<Vec<u8>> = vaccination::table
        .filter(vaccination::municipality.eq(permit.municipality().as_str()))
        .filter(vaccination::subject_id.eq(subject.0.as_bytes().as_slice()))
        .filter(vaccination::version.eq(1))
        .order(vaccination::id)
        .select(vaccination::id)
        .load(tx)
        .map_err(failed)?;
    rows.iter().map(|id| read_uuid(id)).collect()
}

/// What comparisons found that files lack about these persons and doses.
pub(crate) fn findings(
    tx: &mut Tx,
    permit: &Permit,
    about: &[Uuid],
) -> Result<Option<Vec<FileFinding>>, ApiError> {
    let code = permit.municipality();
    let about: Vec<&[u8]> = about.iter().map(|id| id.as_bytes().as_slice()).collect();
    let query = import_finding::table
        .filter(import_finding::municipality.eq(code.as_str()))
        .filter(import_finding::about.eq_any(&about))
        .order((import_finding::import_id, import_finding::seq))
        .limit(one_more()?)
        .select((import_finding::import_id, import_finding::reason, import_finding::about));
    let rows: Vec<(Vec<u8>, String, Option<Vec<u8>>)> =
        on_engine!(tx, c => query.load(c)).map_err(failed)?;
    if rows.len() > ROWS_MAX {
        return Ok(None);
    }
    let read = |(import, reason, about): (Vec<u8>, String, Option<Vec<u8>>)| {
        let about = read_uuid(&about.ok_or_else(broken_row)?)?;
        let text = told(&reason).map_or(String::new(), |told| told.text.to_owned());
        Ok(FileFinding { import: read_uuid(&import)?, reason, text, about })
    };
    rows.into_iter().map(read).collect::<Result<_, _>>().map(Some)
}

fn one_more() -> Result<i64, ApiError> {
    i64::try_from(ROWS_MAX + 1).map_err(|_| broken_row())
}
