//! Persons of a file: new, as registered, changed, or somebody else.

use domain::subject::{Flags, Subject, SubjectId};
use domain::vaccination::Provenance;
use domain::{AddressNumber, IndividualNumber, Likeness};
use interchange::SubjectRow;
use quality::duplicate;
use room::store;
use room::store::subject::Found;
use service::ApiError;

use super::job::Job;
use super::{Context, Numbered, Stop};
use crate::quarantine::Row;
use crate::reason::{ADDRESS_KNOWN, NUMBER_KNOWN, OTHER_PERSON};
use crate::store::staged::{self, Numbers};

const NUMBER: &str = "個人番号";
const ADDRESS: &str = "宛名番号";
const NAME: &str = "氏名";
const BIRTH_DATE: &str = "生年月日";

/// What the register knows about one row's person.
struct Known {
    by_number: Option<SubjectId>,
    by_address: Option<SubjectId>,
    found: Option<Found>,
    alike: Vec<SubjectId>,
}

pub(super) fn decide(
    context: &mut Context<'_>,
    rows: Vec<Numbered<SubjectRow>>,
) -> Result<(), Stop> {
    if rows.is_empty() {
        return Ok(());
    }
    let known = look_up(context.job, &rows)?;
    for ((line, row), known) in rows.into_iter().zip(known) {
        one(context, (line, row), known)?;
    }
    Ok(())
}

fn look_up(job: &Job, rows: &[Numbered<SubjectRow>]) -> Result<Vec<Known>, ApiError> {
    let numbers: Vec<IndividualNumber> =
        rows.iter().map(|(_, row)| row.individual_number.clone()).collect();
    let addresses: Vec<AddressNumber> =
        rows.iter().map(|(_, row)| row.address_number.clone()).collect();
    let likeness: Vec<Likeness> = rows.iter().map(|(_, row)| likeness(row)).collect();
    let keys = job.keys.clone();
    job.read("imports.persons", move |tx, permit| {
        let numbers = store::many::by_numbers(tx, &keys, permit, &numbers)?;
        let addresses = store::many::by_addresses(tx, &keys, permit, &addresses)?;
        let same = |(number, address): (&Option<SubjectId>, &Option<SubjectId>)| {
            number.filter(|id| *address == Some(*id))
        };
        let ids: Vec<SubjectId> = numbers.iter().zip(&addresses).filter_map(same).collect();
        let mut found = store::many::subjects(tx, &keys, permit, &ids)?;
        let alike = store::likeness::find(tx, &keys, permit, &likeness)?;
        let known = |((by_number, by_address), alike): ((Option<SubjectId>, _), _)| Known {
            by_number,
            by_address,
            found: by_number.and_then(|id| found.remove(&id)),
            alike,
        };
        Ok(numbers.into_iter().zip(addresses).zip(alike).map(known).collect())
    })
}

fn likeness(row: &SubjectRow) -> Likeness {
    Likeness::new(&row.name_kana, row.birth_date, row.sex)
}

fn one(
    context: &mut Context<'_>,
    (line, row): Numbered<SubjectRow>,
    known: Known,
) -> Result<(), Stop> {
    let sheet = &mut *context.sheet;
    match (known.by_number, known.by_address) {
        (None, None) => {}
        (Some(one), Some(other)) if one == other => {
            context.known.note(one.0);
            let found = known.found.ok_or_else(crate::store::broken_row)?;
            return changed(context, (line, row), found);
        }
        (Some(_), _) => {
            sheet.note_rejected(line, Some(NUMBER), NUMBER_KNOWN);
            return Ok(());
        }
        (None, Some(_)) => {
            sheet.note_rejected(line, Some(ADDRESS), ADDRESS_KNOWN);
            return Ok(());
        }
    }
    // Those of the register may stand in the file too.
    let in_file = context.outline.count_like(context.job, &likeness(&row));
    let is_beside_others = in_file > known.alike.len() + 1;
    if let Some(doubt) = duplicate(&known.alike, is_beside_others)
        && sheet.is_for_register()
    {
        sheet.note_doubtful(line, Row::Subject(row), (vec![doubt], &[]));
        return Ok(());
    }
    if !sheet.note_new(line) {
        return Ok(());
    }
    let id = SubjectId::make_random();
    let subject = subject(&row, Flags::default());
    let number = &row.individual_number;
    let numbers = Numbers {
        number_index: *context.job.keys.blind_index(number).as_bytes(),
        number_sealed: store::subject::seal_number(&context.job.keys, &id, number)?,
        address_index: *context.job.keys.address_index(&row.address_number).as_bytes(),
    };
    let staged = sealed(context.job, line, (id, 1, subject), Some(numbers))?;
    context.sheet.stage_subject(staged);
    Ok(())
}

/// A person of the register: the same as before, a new version, or in truth somebody else.
fn changed(
    context: &mut Context<'_>,
    (line, row): Numbered<SubjectRow>,
    found: Found,
) -> Result<(), Stop> {
    let next = subject(&row, found.subject.flags);
    let columns = differences(&found.subject, &next);
    if columns.is_empty() {
        context.sheet.note_unchanged();
        return Ok(());
    }
    if columns.contains(&NAME) && columns.contains(&BIRTH_DATE) {
        context.sheet.note_rejected(line, Some(NAME), OTHER_PERSON);
        return Ok(());
    }
    if context.sheet.note_changed(line, &columns) {
        let version = found.version + 1;
        let staged = sealed(context.job, line, (found.id, version, next), None)?;
        context.sheet.stage_subject(staged);
    }
    Ok(())
}

/// The row as an entry.  An empty day says nothing, so it takes no day away, and no row lifts what
/// people have withheld or stopped.
pub(crate) fn subject(row: &SubjectRow, flags: Flags) -> Subject {
    Subject {
        address_number: row.address_number.clone(),
        name: row.name.clone(),
        name_kana: row.name_kana.clone(),
        birth_date: row.birth_date,
        sex: row.sex,
        flags: Flags {
            moved_out_on: row.moved_out_on.or(flags.moved_out_on),
            died_on: row.died_on.or(flags.died_on),
            ..flags
        },
    }
}

fn differences(one: &Subject, other: &Subject) -> Vec<&'static str> {
    let columns = [
        (ADDRESS, one.address_number != other.address_number),
        (NAME, one.name != other.name),
        ("氏名カナ", one.name_kana != other.name_kana),
        (BIRTH_DATE, one.birth_date != other.birth_date),
        ("性別", one.sex != other.sex),
        ("転出日", one.flags.moved_out_on != other.flags.moved_out_on),
        ("死亡日", one.flags.died_on != other.flags.died_on),
    ];
    columns.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}

fn sealed(
    job: &Job,
    line: u64,
    (id, version, subject): (SubjectId, i32, Subject),
    new: Option<Numbers>,
) -> Result<staged::Subject, ApiError> {
    let provenance = Provenance::Imported { import: job.file.id, line, at_unix_s: job.at_unix_s() };
    let likeness_index = *job.keys.likeness_index(&Likeness::of(&subject)).as_bytes();
    let found = Found { id, version, subject, provenance: Some(provenance) };
    let sealed = store::subject::seal(&job.keys, &found)?;
    Ok(staged::Subject { id: id.0, version, sealed, likeness_index, new })
}
