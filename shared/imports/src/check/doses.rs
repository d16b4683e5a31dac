//! Doses of a file: new, as registered, or for people to look at.

use std::collections::HashMap;

use domain::AddressNumber;
use domain::subject::SubjectId;
use domain::vaccination::{Provenance, Standing, Status, Vaccination};
use domain::voucher::VoucherNumber;
use interchange::DoseRow;
use quality::{
    Doubt, DoubtKind, Likely, Neighbour, Person, VoucherState, doubts, is_same, neighbours,
};
use room::store;
use room::store::subject::Found;
use room::store::vaccination::{Held, Version};
use room::store::voucher::Issued;
use service::ApiError;

use super::job::Job;
use super::{Context, Numbered, Stop};
use crate::quarantine::{GivenDose, Row};
use crate::reason::{self, PERSON_UNKNOWN};
use crate::store::staged;

/// What the register knows about the rows of a chunk.
struct Known {
    persons: Vec<Option<SubjectId>>,
    entries: HashMap<SubjectId, Found>,
    doses: HashMap<SubjectId, Vec<Held>>,
    vouchers: Vec<VoucherState>,
}

pub(super) fn decide(context: &mut Context<'_>, rows: Vec<Numbered<DoseRow>>) -> Result<(), Stop> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut known = look_up(context.job, &rows, context.sheet.is_for_register())?;
    let vouchers = std::mem::take(&mut known.vouchers);
    let persons = std::mem::take(&mut known.persons);
    for (((line, row), person), voucher) in rows.into_iter().zip(persons).zip(vouchers) {
        match person.and_then(|person| known.entries.get(&person)) {
            Some(entry) => {
                let held = known.doses.get(&entry.id).map_or(&[][..], Vec::as_slice);
                one(context, (line, row), (entry, held, &voucher))?;
            }
            None => context.sheet.note_rejected(line, None, PERSON_UNKNOWN),
        }
    }
    Ok(())
}

fn look_up(job: &Job, rows: &[Numbered<DoseRow>], with_vouchers: bool) -> Result<Known, ApiError> {
    let addresses: Vec<AddressNumber> =
        rows.iter().map(|(_, row)| row.address_number.clone()).collect();
    let given: Vec<Option<(domain::MunicipalityCode, VoucherNumber)>> =
        rows.iter().map(|(_, row)| row.voucher.clone()).collect();
    let (keys, has_vouchers) = (job.keys.clone(), with_vouchers && job.has_vouchers);
    let own = job.room.municipality;
    job.read("imports.doses", move |tx, permit| {
        let persons = store::many::by_addresses(tx, &keys, permit, &addresses)?;
        let mut ids: Vec<SubjectId> = persons.iter().flatten().copied().collect();
        ids.sort_unstable();
        ids.dedup();
        let entries = store::many::subjects(tx, &keys, permit, &ids)?;
        let doses = store::many::doses(tx, &keys, permit, &ids)?;
        // Where no voucher was ever registered, none can be said to be wrong.
        let asked: Vec<VoucherNumber> = if has_vouchers {
            let of_own = given.iter().flatten().filter(|(code, _)| *code == own);
            of_own.map(|(_, number)| number.clone()).collect()
        } else {
            Vec::new()
        };
        let mut issued = store::many::vouchers(tx, &keys, permit, &asked)?.into_iter();
        let mut vouchers = Vec::with_capacity(given.len());
        for (given, person) in given.iter().zip(&persons) {
            let state = match given {
                Some((code, _)) if *code != own => VoucherState::OtherMunicipality(*code),
                Some((_, number)) if has_vouchers => {
                    let issued = issued.next().unwrap_or_default();
                    let near = |tx: &mut db::Tx| {
                        let near: Vec<VoucherNumber> = neighbours(number).collect();
                        store::many::vouchers(tx, &keys, permit, &near)
                    };
                    state(tx, *person, issued, near)?
                }
                _ => VoucherState::NotGiven,
            };
            vouchers.push(state);
        }
        Ok(Known { persons, entries, doses, vouchers })
    })
}

/// What a voucher of the own municipality is; neighbours are looked for only if it is doubtful.
fn state(
    tx: &mut db::Tx,
    person: Option<SubjectId>,
    issued: Vec<Issued>,
    near: impl Fn(&mut db::Tx) -> Result<Vec<Vec<Issued>>, ApiError>,
) -> Result<VoucherState, ApiError> {
    let is_own = |issued: &Issued| Some(issued.subject) == person;
    if issued.iter().any(is_own) {
        let own = issued.iter().filter(|issued| is_own(issued));
        return Ok(VoucherState::IssuedToPerson {
            doses: own.map(|one| one.dose_number).collect(),
        });
    }
    let found = near(tx)?;
    let neighbours = found.iter().filter_map(|issued| {
        let first = issued.first()?;
        Some(Neighbour {
            number: first.number.clone(),
            subject: first.subject,
            of_same_person: is_own(first),
            doses: issued.iter().map(|one| one.dose_number).collect(),
        })
    });
    if issued.is_empty() {
        Ok(VoucherState::NeverIssued { neighbours: neighbours.collect() })
    } else {
        let own = neighbours.filter(|neighbour| neighbour.of_same_person).collect();
        Ok(VoucherState::IssuedToOther { neighbours: own })
    }
}

fn one(
    context: &mut Context<'_>,
    (line, row): Numbered<DoseRow>,
    (person, held, voucher): (&Found, &[Held], &VoucherState),
) -> Result<(), Stop> {
    let job = context.job;
    let dose = given(&row);
    let id = job.keys.dose_id(&person.id, None, dose.dose_number);
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
        let mut others = context.outline.others(job, &row);
        let in_force = held.iter().filter(|held| held.version.standing == Standing::InForce);
        others.extend(in_force.map(|held| held.version.vaccination.clone()));
        let flags = &person.subject.flags;
        let person_of = Person {
            birth_date: person.subject.birth_date,
            died_on: flags.died_on,
            moved_out_on: flags.moved_out_on,
            doses: &others,
        };
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
        ("接種日", registered.date != given.date),
        ("メーカー", registered.maker != given.maker),
        ("ロット番号", registered.lot != given.lot),
        ("製品名", given.product.is_some() && registered.product != given.product),
        ("接種会場名", !is_venue_same),
    ];
    columns.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
}
