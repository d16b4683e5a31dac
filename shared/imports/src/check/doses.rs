//! Doses of a file: new, as registered, or for people to look at.

use domain::subject::{Subject, SubjectId};
use domain::vaccination::{Provenance, Standing, Status, Vaccination, VaccinationId};
use interchange::DoseRow;
use quality::{Doubt, DoubtKind, Likely, Neighbour, Person, VoucherState, doubts, is_same};
use room::store;
use room::store::subject::Found;
use room::store::vaccination::{Held, Version};

use super::job::Job;
use super::known::{Known, KnownRow};
use super::{Context, Numbered, Stop};
use crate::quarantine::{GivenDose, Row};
use crate::reason::{self, PERSON_UNKNOWN};
use crate::store::staged;

pub(super) fn decide(context: &mut Context<'_>, rows: Vec<Numbered<DoseRow>>) -> Result<(), Stop> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut known = Known::look_up(context.job, &rows)?;
    let known_rows = std::mem::take(&mut known.rows);
    for ((line, row), KnownRow { person, voucher, meant }) in rows.into_iter().zip(known_rows) {
        if let Some((entry, held)) = person.and_then(|person| known.of(person)) {
            one(context, (line, row), (entry, held, &voucher))?;
            continue;
        }
        let holder = meant.as_ref().and_then(|meant| known.of(meant.subject));
        match meant.zip(holder).filter(|_| context.sheet.is_for_register()) {
            Some((meant, holder)) => {
                let doubts = of_voucher(context.job, &row, (meant, holder));
                let given = GivenDose { subject: None, dose: given(&row), voucher: row.voucher };
                context.sheet.note_doubtful(line, Row::Dose(given), (doubts, &[]));
            }
            None => context.sheet.note_rejected(line, None, PERSON_UNKNOWN),
        }
    }
    Ok(())
}

/// What is asked about a row whose person only the voucher names.
fn of_voucher(
    job: &Job,
    row: &DoseRow,
    (meant, (person, held)): (Neighbour, (&Found, &[Held])),
) -> Vec<Doubt> {
    let registered = in_force(held);
    let person = person_of(person, (&registered, &[], &[]));
    let voucher = VoucherState::IssuedToPerson { doses: meant.doses.clone() };
    let others = doubts(&job.rules, &given(row), &person, &voucher, job.today);
    let whose = Doubt { kind: DoubtKind::PersonOfVoucher, likely: Some(Likely::Voucher(meant)) };
    std::iter::once(whose).chain(others).collect()
}

fn in_force(held: &[Held]) -> Vec<Vaccination> {
    let in_force = held.iter().filter(|held| held.version.standing == Standing::InForce);
    in_force.map(|held| held.version.vaccination.clone()).collect()
}

fn person_of<'a>(
    person: &Found,
    (doses, beside, unread): (&'a [Vaccination], &'a [Vaccination], &'a [u16]),
) -> Person<'a> {
    let Subject { birth_date, flags, .. } = &person.subject;
    let (died_on, moved_out_on) = (flags.died_on, flags.moved_out_on);
    Person { birth_date: *birth_date, died_on, moved_out_on, doses, beside, unread }
}

fn one(
    context: &mut Context<'_>,
    (line, row): Numbered<DoseRow>,
    (person, held, voucher): (&Found, &[Held], &VoucherState),
) -> Result<(), Stop> {
    let job = context.job;
    let dose = given(&row);
    let id = dose_id(job, person, &dose);
    context.known.note(id.0);
    let registered = held.iter().find(|held| held.id == id);
    if let Some(held) = registered {
        let columns = differences(job, (&held.version.vaccination, &dose));
        let is_in_force = held.version.standing == Standing::InForce;
        if is_in_force && columns.is_empty() {
            context.sheet.note_unchanged();
            return Ok(());
        }
        let likely = is_in_force.then(|| Likely::Dose(held.version.vaccination.clone()));
        let doubt = Doubt { kind: DoubtKind::RegisteredDiffers, likely };
        return differs(context, (line, row, dose), (person.id, doubt), &columns);
    }
    if context.sheet.is_for_register() {
        let registered = in_force(held);
        let (mut beside, unread) = context.outline.doses(job, &row);
        // What is registered stands, whatever the file says of it.
        let is_in_file_alone =
            |row: &Vaccination| held.iter().all(|held| held.id != dose_id(job, person, row));
        beside.retain(is_in_file_alone);
        let person_of = person_of(person, (&registered, &beside, unread));
        let doubts = doubts(&job.rules, &dose, &person_of, voucher, job.today);
        if !doubts.is_empty() {
            let given = GivenDose { subject: Some(person.id), dose, voucher: row.voucher };
            context.sheet.note_doubtful(line, Row::Dose(given), (doubts, &[]));
            return Ok(());
        }
    }
    if context.sheet.note_new(line) {
        let version = Version {
            vaccination: dose,
            provenance: Provenance::Imported {
                import: job.file.id,
                line,
                at_unix_s: job.at_unix_s(),
            },
            standing: Standing::InForce,
        };
        let sealed = store::vaccination::seal(&job.keys, (&person.id, &id, 1), &version)?;
        let row = staged::Vaccination { subject: person.id.0, id: id.0, sealed };
        context.sheet.stage_dose(row);
    }
    Ok(())
}

/// No layout names the kind of vaccine.
fn dose_id(job: &Job, person: &Found, dose: &Vaccination) -> VaccinationId {
    job.keys.dose_id(&person.id, None, dose.dose_number)
}

/// What is registered stays; people look at what the file says instead.
fn differs(
    context: &mut Context<'_>,
    (line, row, dose): (u64, DoseRow, Vaccination),
    (person, doubt): (SubjectId, Doubt),
    columns: &[&'static str],
) -> Result<(), Stop> {
    let sheet = &mut *context.sheet;
    if !sheet.is_for_register() {
        match columns {
            [] => sheet.note_other(line, reason::WITHDRAWN),
            columns => drop(sheet.note_changed(line, columns)),
        }
        return Ok(());
    }
    let given = GivenDose { subject: Some(person), dose, voucher: row.voucher };
    sheet.note_doubtful(line, Row::Dose(given), (vec![doubt], columns));
    Ok(())
}

fn given(row: &DoseRow) -> Vaccination {
    Vaccination {
        status: Status::Done,
        dose_number: row.dose_number,
        date: row.date,
        maker: row.maker.clone(),
        lot: row.lot.clone(),
        product: row.product.clone(),
        vaccine_kind: None,
        venue: row.venue.clone(),
    }
}

/// Where a row says something else than the register; an empty cell says nothing.
fn differences(job: &Job, (registered, given): (&Vaccination, &Vaccination)) -> Vec<&'static str> {
    let is_venue_same = given.venue.is_none() || given.venue == registered.venue;
    if is_venue_same && is_same(&job.rules, registered, given) {
        return Vec::new();
    }
    let columns = [
        ("接種状況", registered.status != given.status),
        ("接種日", registered.date != given.date),
        ("メーカー", registered.maker != given.maker),
        ("ロット番号", registered.lot != given.lot),
        ("製品名", given.product.is_some() && registered.product != given.product),
        ("接種会場名", !is_venue_same),
    ];
    columns.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
