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
        let (code, number) = one.voucher.as_ref()?;
        (*code == own).then(|| number.clone())
    };
    let numbers: Vec<_> = asked.iter().map(own_number).collect();
    let given: Vec<VoucherNumber> = numbers.iter().flatten().cloned().collect();
    let mut issued = many::vouchers(tx, keys, permit, &given)?.into_iter();
    let issued: Vec<Vec<Issued>> = numbers
        .iter()
        .map(|number| number.as_ref().and_then(|_| issued.next()).unwrap_or_default())
        .collect();
    let misread = misread((&numbers, &persons), &issued);
    let theirs = many::vouchers_of(tx, keys, permit, &misread)?;
    let state = |number: &VoucherNumber, person: Option<SubjectId>, issued: &[Issued]| {
        let theirs = person.and_then(|person| theirs.get(&person));
        let near = theirs.map_or_else(Vec::new, |theirs| near(number, theirs));
        state(person, issued, near)
    };
    let rows = asked.iter().zip(persons).zip(numbers).zip(issued);
    let rows = rows.map(|(((one, person), number), issued)| {
        let voucher = match (&one.voucher, number) {
            (None, _) => VoucherState::NotGiven,
            (Some(_), Some(number)) => state(&number, person, &issued),
            (Some((code, _)), None) => VoucherState::OtherMunicipality(*code),
        };
        let is_meant = person.is_none() && issued.iter().any(|i| i.dose_number == one.dose_number);
        let meant = if is_meant { neighbour(&issued, None) } else { None };
        KnownRow { person, voucher, meant }
    });
    Ok(rows.collect())
}

/// Whose rows name a voucher of ours that is not theirs.
fn misread(
    (numbers, persons): (&[Option<VoucherNumber>], &[Option<SubjectId>]),
    issued: &[Vec<Issued>],
) -> Vec<SubjectId> {
    let rows = numbers.iter().zip(persons).zip(issued);
    let misread = rows.filter_map(|((number, person), issued)| {
        person.filter(|person| number.is_some() && !has_own(issued, *person))
    });
    let mut misread: Vec<SubjectId> = misread.collect();
    misread.sort_unstable();
    misread.dedup();
    misread
}

/// The person's own vouchers whose numbers are easily taken for this one: a row that names its person
/// never means the voucher of somebody else.
fn near(number: &VoucherNumber, theirs: &[Issued]) -> Vec<Issued> {
    let of_like = |like| theirs.iter().filter(move |issued| issued.number == like).cloned();
    neighbours(number).flat_map(of_like).collect()
}

fn has_own(issued: &[Issued], person: SubjectId) -> bool {
    issued.iter().any(|issued| issued.subject == person)
}

/// What a voucher of the own municipality is; near are the person's own with numbers like it.
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
