//! What the register knows about the doses of a chunk, looked up all at once.

use std::collections::HashMap;

use crypto::RoomKeys;
use db::Tx;
use domain::subject::SubjectId;
use domain::voucher::VoucherNumber;
use domain::{AddressNumber, MunicipalityCode, Permit};
use interchange::DoseRow;
use quality::{Neighbour, VoucherState, neighbours};
use room::store::many;
use room::store::subject::Found;
use room::store::vaccination::Held;
use room::store::voucher::Issued;
use service::ApiError;
use wire::imports::Purpose;

use super::Numbered;
use super::job::Job;

pub(super) struct Known {
    entries: HashMap<SubjectId, Found>,
    doses: HashMap<SubjectId, Vec<Held>>,
    /// By place in the chunk.
    pub(super) rows: Vec<KnownRow>,
}

pub(super) struct KnownRow {
    /// Who has the row's address number.
    pub(super) person: Option<SubjectId>,
    pub(super) voucher: VoucherState,
    /// Where nobody has it: the voucher, if it was issued to somebody for this dose.
    pub(super) meant: Option<Neighbour>,
}

/// As much of a row as is looked up by.
struct Asked {
    address_number: AddressNumber,
    dose_number: u16,
    voucher: Option<(MunicipalityCode, VoucherNumber)>,
}

impl Known {
    pub(super) fn look_up(job: &Job, rows: &[Numbered<DoseRow>]) -> Result<Self, ApiError> {
        // Where no voucher was ever registered, none can be said to be wrong.
        let has_own = job.has_vouchers && job.file.purpose == Purpose::Register;
        let is_known = |code: MunicipalityCode| has_own || code != job.room.municipality;
        let asked = |(_, row): &Numbered<DoseRow>| Asked {
            address_number: row.address_number.clone(),
            dose_number: row.dose_number,
            voucher: row.voucher.clone().filter(|(code, _)| is_known(*code)),
        };
        let asked: Vec<Asked> = rows.iter().map(asked).collect();
        let (keys, own) = (job.keys.clone(), job.room.municipality);
        job.read("imports.doses", move |tx, permit| {
            let rows = read_rows(tx, (&keys, permit, own), &asked)?;
            let named = rows.iter().filter_map(|row| {
                row.person.or_else(|| row.meant.as_ref().map(|meant| meant.subject))
            });
            let mut ids: Vec<SubjectId> = named.collect();
            ids.sort_unstable();
            ids.dedup();
            let entries = many::subjects(tx, &keys, permit, &ids)?;
            let doses = many::doses(tx, &keys, permit, &ids)?;
            Ok(Self { entries, doses, rows })
        })
    }

    /// A person's entry and doses.
    pub(super) fn of(&self, person: SubjectId) -> Option<(&Found, &[Held])> {
        let entry = self.entries.get(&person)?;
        Some((entry, self.doses.get(&person).map_or(&[][..], Vec::as_slice)))
    }
}

fn read_rows(
    tx: &mut Tx,
    (keys, permit, own): (&RoomKeys, &Permit, MunicipalityCode),
    asked: &[Asked],
) -> Result<Vec<KnownRow>, ApiError> {
    let addresses: Vec<_> = asked.iter().map(|one| one.address_number.clone()).collect();
    let persons = many::by_addresses(tx, keys, permit, &addresses)?;
    let own_number = |one: &Asked| {
        let own = one.voucher.iter().filter(|(code, _)| *code == own);
        own.map(|(_, number)| number.clone()).collect::<Vec<_>>()
    };
    let numbers: Vec<_> = asked.iter().map(own_number).collect();
    let issued = by_place(tx, (keys, permit), &numbers)?;
    // Where the voucher is not the person's, one with a like number may be.
    let near = |((numbers, person), issued): ((&Vec<VoucherNumber>, &Option<_>), &Vec<Issued>)| {
        let is_misread = person.is_some_and(|person| !has_own(issued, person));
        numbers.iter().filter(|_| is_misread).flat_map(neighbours).collect::<Vec<_>>()
    };
    let near: Vec<_> = numbers.iter().zip(&persons).zip(&issued).map(near).collect();
    let near = by_place(tx, (keys, permit), &near)?;
    let found = issued.into_iter().zip(near);
    let row = |((one, person), (issued, near)): ((&Asked, Option<SubjectId>), (Vec<_>, Vec<_>))| {
        let voucher = match &one.voucher {
            None => VoucherState::NotGiven,
            Some((code, _)) if *code != own => VoucherState::OtherMunicipality(*code),
            Some(_) => state(person, &issued, near),
        };
        let is_meant = person.is_none() && issued.iter().any(|i| i.dose_number == one.dose_number);
        let meant = if is_meant { neighbour(&issued, None) } else { None };
        KnownRow { person, voucher, meant }
    };
    Ok(asked.iter().zip(persons).zip(found).map(row).collect())
}

/// Looks up the vouchers of all rows at once; a row asks for none, one or many.
fn by_place(
    tx: &mut Tx,
    (keys, permit): (&RoomKeys, &Permit),
    numbers: &[Vec<VoucherNumber>],
) -> Result<Vec<Vec<Issued>>, ApiError> {
    let all: Vec<VoucherNumber> = numbers.iter().flatten().cloned().collect();
    let mut found = many::vouchers(tx, keys, permit, &all)?.into_iter();
    let of_row = |own: &Vec<_>| found.by_ref().take(own.len()).flatten().collect();
    Ok(numbers.iter().map(of_row).collect())
}

fn has_own(issued: &[Issued], person: SubjectId) -> bool {
    issued.iter().any(|issued| issued.subject == person)
}

/// What a voucher of the own municipality is; all that was issued under numbers like it is near.
fn state(person: Option<SubjectId>, issued: &[Issued], near: Vec<Issued>) -> VoucherState {
    let own = |issued: &&Issued| Some(issued.subject) == person;
    if issued.iter().any(|issued| own(&issued)) {
        let doses = issued.iter().filter(own).map(|issued| issued.dose_number).collect();
        return VoucherState::IssuedToPerson { doses };
    }
    let neighbours = near
        .chunk_by(|one, next| one.number == next.number)
        .filter_map(|issued| neighbour(issued, person))
        .collect();
    match issued {
        [] => VoucherState::NeverIssued { neighbours },
        _ => VoucherState::IssuedToOther { neighbours },
    }
}

/// One number's voucher, as it is shown to people.
fn neighbour(issued: &[Issued], person: Option<SubjectId>) -> Option<Neighbour> {
    let Issued { number, subject, .. } = issued.first()?;
    Some(Neighbour {
        number: number.clone(),
        subject: *subject,
        of_same_person: Some(*subject) == person,
        doses: issued.iter().map(|one| one.dose_number).collect(),
    })
}
