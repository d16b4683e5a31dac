//! Vouchers of a file: newly issued, known, or somebody else's.

use domain::AddressNumber;
use domain::subject::SubjectId;
use domain::vaccination::Provenance;
use domain::voucher::VoucherNumber;
use interchange::VoucherRow;
use room::store;
use room::store::voucher::Issued;
use service::ApiError;

use super::job::Job;
use super::{Context, Numbered, Stop};
use crate::reason::{PERSON_UNKNOWN, VOUCHER_DIFFERS, VOUCHER_OF_OTHER};
use crate::store::staged;

const ADDRESS: &str = "宛名番号";
const NUMBER: &str = "接種券番号";
const ISSUED_ON: &str = "発行日";

type Known = (Option<SubjectId>, Vec<Issued>);

pub(super) fn decide(
    context: &mut Context<'_>,
    rows: Vec<Numbered<VoucherRow>>,
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

fn look_up(job: &Job, rows: &[Numbered<VoucherRow>]) -> Result<Vec<Known>, ApiError> {
    let addresses: Vec<AddressNumber> =
        rows.iter().map(|(_, row)| row.address_number.clone()).collect();
    let numbers: Vec<VoucherNumber> =
        rows.iter().map(|(_, row)| row.voucher_number.clone()).collect();
    let keys = job.keys.clone();
    job.read("imports.vouchers", move |tx, permit| {
        let persons = store::many::by_addresses(tx, &keys, permit, &addresses)?;
        let issued = store::many::vouchers(tx, &keys, permit, &numbers)?;
        Ok(persons.into_iter().zip(issued).collect())
    })
}

fn one(
    context: &mut Context<'_>,
    (line, row): Numbered<VoucherRow>,
    (person, issued): Known,
) -> Result<(), Stop> {
    let sheet = &mut *context.sheet;
    let Some(person) = person else {
        sheet.note_rejected(line, Some(ADDRESS), PERSON_UNKNOWN);
        return Ok(());
    };
    if issued.iter().any(|issued| issued.subject != person) {
        sheet.note_rejected(line, Some(NUMBER), VOUCHER_OF_OTHER);
        return Ok(());
    }
    match issued.iter().find(|issued| issued.dose_number == row.dose_number) {
        Some(issued) if issued.issued_on == row.issued_on => sheet.note_unchanged(),
        Some(_) if sheet.is_for_register() => {
            sheet.note_rejected(line, Some(ISSUED_ON), VOUCHER_DIFFERS);
        }
        Some(_) => drop(sheet.note_changed(line, &[ISSUED_ON])),
        None if sheet.note_new(line) => {
            let staged = sealed(context.job, line, (person, row))?;
            sheet.stage_voucher(staged);
        }
        None => {}
    }
    Ok(())
}

fn sealed(
    job: &Job,
    line: u64,
    (subject, row): (SubjectId, VoucherRow),
) -> Result<staged::Voucher, ApiError> {
    let VoucherRow { voucher_number, dose_number, issued_on, .. } = row;
    let provenance = Provenance::Imported { import: job.file.id, line, at_unix_s: job.at_unix_s() };
    let index = *job.keys.voucher_index(&voucher_number).as_bytes();
    let issued = Issued { subject, number: voucher_number, dose_number, issued_on, provenance };
    let sealed = store::voucher::seal(&job.keys, &issued)?;
    Ok(staged::Voucher { index, dose_number: i32::from(dose_number), subject: subject.0, sealed })
}
