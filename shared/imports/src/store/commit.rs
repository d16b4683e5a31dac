//! What was staged becomes part of the register, in one transaction or not at all.

use ::room::store::schema::{
    subject, subject_address, subject_likeness, subject_number, vaccination, voucher,
};
use db::{Tx, on_engine};
use diesel::dsl::AsExprOf;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Integer, Text};
use domain::Permit;
use service::ApiError;
use uuid::Uuid;

use super::schema::{import_subject, import_vaccination, import_voucher};
use super::{broken_row, failed};
use crate::report::Staged;

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// Rows that stand in the way by now, or lack what they rest on; each looks for one.
const IN_THE_WAY: [&str; 8] = [
    "SELECT 1 FROM import_subject s JOIN subject t ON t.municipality = s.municipality \
     AND t.id = s.id AND t.version = s.version WHERE s.municipality = $1 AND s.import_id = $2",
    "SELECT 1 FROM import_subject s WHERE s.municipality = $1 AND s.import_id = $2 \
     AND s.version > 1 AND NOT EXISTS (SELECT 1 FROM subject t \
     WHERE t.municipality = s.municipality AND t.id = s.id AND t.version = s.version - 1)",
    "SELECT 1 FROM import_subject s JOIN subject_number t ON t.municipality = s.municipality \
     AND t.number_index = s.number_index WHERE s.municipality = $1 AND s.import_id = $2",
    "SELECT 1 FROM import_subject s JOIN subject_address t ON t.municipality = s.municipality \
     AND t.address_index = s.address_index WHERE s.municipality = $1 AND s.import_id = $2",
    "SELECT 1 FROM import_vaccination s JOIN vaccination t ON t.municipality = s.municipality \
     AND t.subject_id = s.subject_id AND t.id = s.id \
     WHERE s.municipality = $1 AND s.import_id = $2",
    "SELECT 1 FROM import_vaccination s WHERE s.municipality = $1 AND s.import_id = $2 \
     AND NOT EXISTS (SELECT 1 FROM subject t \
     WHERE t.municipality = s.municipality AND t.id = s.subject_id)",
    "SELECT 1 FROM import_voucher s JOIN voucher t ON t.municipality = s.municipality \
     AND t.voucher_index = s.voucher_index \
     AND (t.dose_number = s.dose_number OR t.subject_id <> s.subject_id) \
     WHERE s.municipality = $1 AND s.import_id = $2",
    "SELECT 1 FROM import_voucher s WHERE s.municipality = $1 AND s.import_id = $2 \
     AND NOT EXISTS (SELECT 1 FROM subject t \
     WHERE t.municipality = s.municipality AND t.id = s.subject_id)",
];

/// Whether the register is not any more as it was when the file was checked.
pub(crate) fn is_outdated(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<bool, ApiError> {
    for question in IN_THE_WAY {
        let sql = format!("SELECT COUNT(*) AS found FROM ({question} LIMIT 1) AS one");
        let found: Found = on_engine!(tx, c => diesel::sql_query(sql.as_str())
            .bind::<Text, _>(permit.municipality().as_str())
            .bind::<Binary, _>(import.as_bytes().as_slice())
            .get_result(c))
        .map_err(failed)?;
        if found.found > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Adds the staged rows to the register; says how many of each.
pub(crate) fn take_over(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<Staged, ApiError> {
    let at: AsExprOf<i64, BigInt> =
        ::room::operation_log::unix_ms(permit.context().at).into_sql::<BigInt>();
    let code = permit.municipality();
    let own = import_subject::table
        .filter(import_subject::municipality.eq(code.as_str()))
        .filter(import_subject::import_id.eq(import.as_bytes().as_slice()));
    let entries = own
        .select((
            import_subject::municipality,
            import_subject::id,
            import_subject::version,
            import_subject::sealed,
            at,
        ))
        .insert_into(subject::table)
        .into_columns((
            subject::municipality,
            subject::id,
            subject::version,
            subject::sealed,
            subject::created_at_unix_ms,
        ));
    let subjects = count(on_engine!(tx, c => entries.execute(c)))?;
    let new = own.filter(import_subject::number_index.is_not_null());
    let numbers = new
        .select((
            import_subject::municipality,
            import_subject::number_index.assume_not_null(),
            import_subject::id,
            import_subject::number_sealed.assume_not_null(),
        ))
        .insert_into(subject_number::table)
        .into_columns((
            subject_number::municipality,
            subject_number::number_index,
            subject_number::subject_id,
            subject_number::number_sealed,
        ));
    let persons = count(on_engine!(tx, c => numbers.execute(c)))?;
    let addresses = new
        .select((
            import_subject::municipality,
            import_subject::address_index.assume_not_null(),
            import_subject::id,
        ))
        .insert_into(subject_address::table)
        .into_columns((
            subject_address::municipality,
            subject_address::address_index,
            subject_address::subject_id,
        ));
    on_engine!(tx, c => addresses.execute(c)).map_err(failed)?;
    let alike = own
        .select((import_subject::municipality, import_subject::likeness_index, import_subject::id))
        .insert_into(subject_likeness::table)
        .into_columns((
            subject_likeness::municipality,
            subject_likeness::likeness_index,
            subject_likeness::subject_id,
        ));
    // Somebody who changed may be like before.
    on_engine!(tx, c => alike.on_conflict_do_nothing().execute(c)).map_err(failed)?;
    let vouchers = take_over_vouchers(tx, permit, import)?;
    let vaccinations = take_over_vaccinations(tx, permit, import)?;
    Ok(Staged { subjects, persons, vouchers, vaccinations, doubtful: 0 })
}

fn take_over_vouchers(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<u64, ApiError> {
    let at: AsExprOf<i64, BigInt> =
        ::room::operation_log::unix_ms(permit.context().at).into_sql::<BigInt>();
    let code = permit.municipality();
    let insert = import_voucher::table
        .filter(import_voucher::municipality.eq(code.as_str()))
        .filter(import_voucher::import_id.eq(import.as_bytes().as_slice()))
        .select((
            import_voucher::municipality,
            import_voucher::voucher_index,
            import_voucher::dose_number,
            import_voucher::subject_id,
            import_voucher::sealed,
            at,
        ))
        .insert_into(voucher::table)
        .into_columns((
            voucher::municipality,
            voucher::voucher_index,
            voucher::dose_number,
            voucher::subject_id,
            voucher::sealed,
            voucher::created_at_unix_ms,
        ));
    count(on_engine!(tx, c => insert.execute(c)))
}

fn take_over_vaccinations(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<u64, ApiError> {
    let at: AsExprOf<i64, BigInt> =
        ::room::operation_log::unix_ms(permit.context().at).into_sql::<BigInt>();
    let first: AsExprOf<i32, Integer> = 1.into_sql::<Integer>();
    let code = permit.municipality();
    let insert = import_vaccination::table
        .filter(import_vaccination::municipality.eq(code.as_str()))
        .filter(import_vaccination::import_id.eq(import.as_bytes().as_slice()))
        .select((
            import_vaccination::municipality,
            import_vaccination::subject_id,
            import_vaccination::id,
            first,
            import_vaccination::sealed,
            at,
        ))
        .insert_into(vaccination::table)
        .into_columns((
            vaccination::municipality,
            vaccination::subject_id,
            vaccination::id,
            vaccination::version,
            vaccination::sealed,
            vaccination::created_at_unix_ms,
        ));
    count(on_engine!(tx, c => insert.execute(c)))
}

fn count(done: Result<usize, diesel::result::Error>) -> Result<u64, ApiError> {
    u64::try_from(done.map_err(failed)?).map_err(|_| broken_row())
}
