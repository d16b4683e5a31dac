//! Rows as the register will keep them, on their way there.

use db::Tx;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text};
use domain::{MunicipalityCode, Permit};
use service::ApiError;
use uuid::Uuid;

use super::schema::{import_subject, import_vaccination, import_voucher};
use super::{broken_row, failed};

/// A version of a person's entry; with the numbers if the person is new.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) id: Uuid,
    pub(crate) version: i32,
    pub(crate) sealed: Vec<u8>,
    pub(crate) likeness_index: [u8; 32],
    pub(crate) new: Option<Numbers>,
}

#[derive(Clone, Debug)]
pub(crate) struct Numbers {
    pub(crate) number_index: [u8; 32],
    pub(crate) number_sealed: Vec<u8>,
    pub(crate) address_index: [u8; 32],
}

#[derive(Clone, Debug)]
pub(crate) struct Voucher {
    pub(crate) index: [u8; 32],
    pub(crate) dose_number: i32,
    pub(crate) subject: Uuid,
    pub(crate) sealed: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) struct Vaccination {
    pub(crate) subject: Uuid,
    pub(crate) id: Uuid,
    pub(crate) sealed: Vec<u8>,
}

#[derive(Insertable)]
#[diesel(table_name = import_subject, treat_none_as_default_value = false)]
struct SubjectRow<'a> {
    municipality: &'a str,
    import_id: &'a [u8],
    seq: i64,
    id: &'a [u8],
    version: i32,
    sealed: &'a [u8],
    number_index: Option<&'a [u8]>,
    number_sealed: Option<&'a [u8]>,
    address_index: Option<&'a [u8]>,
    likeness_index: &'a [u8],
}

#[derive(Insertable)]
#[diesel(table_name = import_voucher)]
struct VoucherRow<'a> {
    municipality: &'a str,
    import_id: &'a [u8],
    seq: i64,
    voucher_index: &'a [u8],
    dose_number: i32,
    subject_id: &'a [u8],
    sealed: &'a [u8],
}

#[derive(Insertable)]
#[diesel(table_name = import_vaccination)]
struct VaccinationRow<'a> {
    municipality: &'a str,
    import_id: &'a [u8],
    seq: i64,
    subject_id: &'a [u8],
    id: &'a [u8],
    sealed: &'a [u8],
}

/// Whose rows they are, and how many came before them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) municipality: MunicipalityCode,
    pub(crate) import: Uuid,
    pub(crate) first: u64,
}

impl Place {
    fn municipality(&self) -> &str {
        self.municipality.as_str()
    }

    fn numbered<T>(self, rows: &[T]) -> Result<Vec<i64>, ApiError> {
        let first = i64::try_from(self.first).map_err(|_| broken_row())?;
        let count = i64::try_from(rows.len()).map_err(|_| broken_row())?;
        Ok((first..first + count).collect())
    }
}

/// PostgreSQL takes a column as one value: a statement with a value per cell takes longer to read
/// than to carry out.
pub(crate) fn insert_subjects(
    tx: &mut Tx,
    place: Place,
    subjects: &[Subject],
) -> Result<(), ApiError> {
    if subjects.is_empty() {
        return Ok(());
    }
    let seqs = place.numbered(subjects)?;
    match tx {
        Tx::Postgres(c) => diesel::sql_query(
            "INSERT INTO import_subject (municipality, import_id, seq, id, version, sealed, \
             number_index, number_sealed, address_index, likeness_index) SELECT $1, $2, * FROM \
             unnest($3::bigint[], $4::bytea[], $5::integer[], $6::bytea[], $7::bytea[], \
             $8::bytea[], $9::bytea[], $10::bytea[])",
        )
        .bind::<Text, _>(place.municipality())
        .bind::<Binary, _>(place.import.as_bytes().as_slice())
        .bind::<Array<BigInt>, _>(seqs)
        .bind::<Array<Binary>, _>(column(subjects, |one| one.id.as_bytes().as_slice()))
        .bind::<Array<Integer>, _>(column(subjects, |one| one.version))
        .bind::<Array<Binary>, _>(column(subjects, |one| one.sealed.as_slice()))
        .bind::<Array<Nullable<Binary>>, _>(column(subjects, |one| {
            one.new.as_ref().map(|new| new.number_index.as_slice())
        }))
        .bind::<Array<Nullable<Binary>>, _>(column(subjects, |one| {
            one.new.as_ref().map(|new| new.number_sealed.as_slice())
        }))
        .bind::<Array<Nullable<Binary>>, _>(column(subjects, |one| {
            one.new.as_ref().map(|new| new.address_index.as_slice())
        }))
        .bind::<Array<Binary>, _>(column(subjects, |one| one.likeness_index.as_slice()))
        .execute(c),
        Tx::Sqlite(c) => {
            let row = |(one, seq)| subject_row(&place, (one, seq));
            let rows: Vec<_> = subjects.iter().zip(seqs).map(row).collect();
            diesel::insert_into(import_subject::table).values(&rows).execute(c)
        }
    }
    .map(drop)
    .map_err(failed)
}

fn subject_row<'a>(place: &'a Place, (one, seq): (&'a Subject, i64)) -> SubjectRow<'a> {
    let new = one.new.as_ref();
    SubjectRow {
        municipality: place.municipality(),
        import_id: place.import.as_bytes(),
        seq,
        id: one.id.as_bytes(),
        version: one.version,
        sealed: &one.sealed,
        number_index: new.map(|new| new.number_index.as_slice()),
        number_sealed: new.map(|new| new.number_sealed.as_slice()),
        address_index: new.map(|new| new.address_index.as_slice()),
        likeness_index: &one.likeness_index,
    }
}

fn voucher_row<'a>(place: &'a Place, (one, seq): (&'a Voucher, i64)) -> VoucherRow<'a> {
    VoucherRow {
        municipality: place.municipality(),
        import_id: place.import.as_bytes(),
        seq,
        voucher_index: &one.index,
        dose_number: one.dose_number,
        subject_id: one.subject.as_bytes(),
        sealed: &one.sealed,
    }
}

fn vaccination_row<'a>(place: &'a Place, (one, seq): (&'a Vaccination, i64)) -> VaccinationRow<'a> {
    VaccinationRow {
        municipality: place.municipality(),
        import_id: place.import.as_bytes(),
        seq,
        subject_id: one.subject.as_bytes(),
        id: one.id.as_bytes(),
        sealed: &one.sealed,
    }
}

/// One value of each row.
fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

pub(crate) fn insert_vouchers(
    tx: &mut Tx,
    place: Place,
    vouchers: &[Voucher],
) -> Result<(), ApiError> {
    if vouchers.is_empty() {
        return Ok(());
    }
    let seqs = place.numbered(vouchers)?;
    match tx {
        Tx::Postgres(c) => diesel::sql_query(
            "INSERT INTO import_voucher (municipality, import_id, seq, voucher_index, \
             dose_number, subject_id, sealed) SELECT $1, $2, * FROM unnest($3::bigint[], \
             $4::bytea[], $5::integer[], $6::bytea[], $7::bytea[])",
        )
        .bind::<Text, _>(place.municipality())
        .bind::<Binary, _>(place.import.as_bytes().as_slice())
        .bind::<Array<BigInt>, _>(seqs)
        .bind::<Array<Binary>, _>(column(vouchers, |one| one.index.as_slice()))
        .bind::<Array<Integer>, _>(column(vouchers, |one| one.dose_number))
        .bind::<Array<Binary>, _>(column(vouchers, |one| one.subject.as_bytes().as_slice()))
        .bind::<Array<Binary>, _>(column(vouchers, |one| one.sealed.as_slice()))
        .execute(c),
        Tx::Sqlite(c) => {
            let row = |(one, seq)| voucher_row(&place, (one, seq));
            let rows: Vec<_> = vouchers.iter().zip(seqs).map(row).collect();
            diesel::insert_into(import_voucher::table).values(&rows).execute(c)
        }
    }
    .map(drop)
    .map_err(failed)
}

pub(crate) fn insert_vaccinations(
    tx: &mut Tx,
    place: Place,
    doses: &[Vaccination],
) -> Result<(), ApiError> {
    if doses.is_empty() {
        return Ok(());
    }
    let seqs = place.numbered(doses)?;
    match tx {
        Tx::Postgres(c) => diesel::sql_query(
            "INSERT INTO import_vaccination (municipality, import_id, seq, subject_id, id, \
             sealed) SELECT $1, $2, * FROM unnest($3::bigint[], $4::bytea[], $5::bytea[], \
             $6::bytea[])",
        )
        .bind::<Text, _>(place.municipality())
        .bind::<Binary, _>(place.import.as_bytes().as_slice())
        .bind::<Array<BigInt>, _>(seqs)
        .bind::<Array<Binary>, _>(column(doses, |one| one.subject.as_bytes().as_slice()))
        .bind::<Array<Binary>, _>(column(doses, |one| one.id.as_bytes().as_slice()))
        .bind::<Array<Binary>, _>(column(doses, |one| one.sealed.as_slice()))
        .execute(c),
        Tx::Sqlite(c) => {
            let row = |(one, seq)| vaccination_row(&place, (one, seq));
            let rows: Vec<_> = doses.iter().zip(seqs).map(row).collect();
            diesel::insert_into(import_vaccination::table).values(&rows).execute(c)
        }
    }
    .map(drop)
    .map_err(failed)
}

pub(crate) fn delete(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<(), ApiError> {
    let (room, import) = (permit.municipality(), import.as_bytes().as_slice());
    let subjects = import_subject::table
        .filter(import_subject::municipality.eq(room.as_str()))
        .filter(import_subject::import_id.eq(import));
    diesel::delete(subjects).execute(tx).map_err(failed)?;
    let vouchers = import_voucher::table
        .filter(import_voucher::municipality.eq(room.as_str()))
        .filter(import_voucher::import_id.eq(import));
    diesel::delete(vouchers).execute(tx).map_err(failed)?;
    let doses = import_vaccination::table
        .filter(import_vaccination::municipality.eq(room.as_str()))
        .filter(import_vaccination::import_id.eq(import));
    diesel::delete(doses).execute(tx).map(drop).map_err(failed)
}
