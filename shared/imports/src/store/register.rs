//! What a room has, page by page, for those who compare a file with all of it.

use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use service::ApiError;

use super::failed;
use ::room::store::schema::{subject_address, vaccination, voucher};

/// Two columns of a row.
type Pair = (Vec<u8>, Vec<u8>);

pub(crate) const PAGE_ROWS: i64 = 2_000;

/// Handles of persons, after one of their indexes.
pub(crate) fn persons(tx: &mut Tx, permit: &Permit, after: &[u8]) -> Result<Vec<Pair>, ApiError> {
    subject_address::table
        .filter(subject_address::municipality.eq(permit.municipality().as_str()))
        .filter(subject_address::address_index.gt(after))
        .order(subject_address::address_index)
        .limit(PAGE_ROWS)
        .select((subject_address::address_index, subject_address::subject_id))
        .load(tx)
        .map_err(failed)
}

/// Persons with doses and the doses' handles, after one of them.
pub(crate) fn doses(
    tx: &mut Tx,
    permit: &Permit,
    (subject, id): (&[u8], &[u8]),
) -> Result<Vec<Pair>, ApiError> {
    let same = vaccination::subject_id.eq(subject).and(vaccination::id.gt(id));
    vaccination::table
        .filter(vaccination::municipality.eq(permit.municipality().as_str()))
        .filter(vaccination::version.eq(1))
        .filter(vaccination::subject_id.gt(subject).or(same))
        .order((vaccination::subject_id, vaccination::id))
        .limit(PAGE_ROWS)
        .select((vaccination::subject_id, vaccination::id))
        .load(tx)
        .map_err(failed)
}

/// Whether the room has issued any voucher at all.
pub(crate) fn has_vouchers(tx: &mut Tx, permit: &Permit) -> Result<bool, ApiError> {
    let code = permit.municipality();
    let own = voucher::table.filter(voucher::municipality.eq(code.as_str()));
    diesel::select(diesel::dsl::exists(own)).get_result(tx).map_err(failed)
}
