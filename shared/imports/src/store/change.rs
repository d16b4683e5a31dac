//! How a file's row changes.

use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use service::ApiError;
use uuid::Uuid;
use wire::imports::Stage;

use super::file::{at, json, stage_word};
use super::schema::import_file;
use super::{broken_row, failed};
use crate::report::Report;

pub(crate) fn add_part(tx: &mut Tx, permit: &Permit, import: Uuid) -> Result<(), ApiError> {
    let code = permit.municipality();
    let own = import_file::table.find((code.as_str(), import.as_bytes().as_slice()));
    let next = import_file::next_part.eq(import_file::next_part + 1);
    diesel::update(own).set(next).execute(tx).map(drop).map_err(failed)
}

/// Moves a file to another stage, in which nothing can be approved.
pub(crate) fn to_stage(
    tx: &mut Tx,
    permit: &Permit,
    (import, stage): (Uuid, Stage),
    report: &Report,
) -> Result<(), ApiError> {
    let code = permit.municipality();
    let own = import_file::table.find((code.as_str(), import.as_bytes().as_slice()));
    let change = (
        import_file::stage.eq(stage_word(stage)),
        import_file::report.eq(json(report)?),
        import_file::preview.eq(None::<String>),
    );
    diesel::update(own).set(change).execute(tx).map(drop).map_err(failed)
}

pub(crate) fn begin_check(
    tx: &mut Tx,
    permit: &Permit,
    import: Uuid,
    by: &str,
) -> Result<(), ApiError> {
    let code = permit.municipality();
    let own = import_file::table.find((code.as_str(), import.as_bytes().as_slice()));
    let change = (
        import_file::stage.eq(stage_word(Stage::Checking)),
        import_file::checked_by.eq(by),
        import_file::checked_bytes.eq(0_i64),
        import_file::report.eq(json(&Report::default())?),
        import_file::preview.eq(None::<String>),
    );
    diesel::update(own).set(change).execute(tx).map(drop).map_err(failed)
}

/// Says how far the check has come; `false` if the file is not being checked any more.
pub(crate) fn progress(
    tx: &mut Tx,
    permit: &Permit,
    (import, checked_bytes): (Uuid, u64),
    report: &Report,
) -> Result<bool, ApiError> {
    let code = permit.municipality();
    let own = import_file::table.find((code.as_str(), import.as_bytes().as_slice()));
    let checking = own.filter(import_file::stage.eq(stage_word(Stage::Checking)));
    let change = (
        import_file::checked_bytes.eq(i64::try_from(checked_bytes).map_err(|_| broken_row())?),
        import_file::report.eq(json(report)?),
    );
    Ok(diesel::update(checking).set(change).execute(tx).map_err(failed)? == 1)
}

pub(crate) fn end_check(
    tx: &mut Tx,
    permit: &Permit,
    (import, stage): (Uuid, Stage),
    preview: Option<&str>,
) -> Result<(), ApiError> {
    let code = permit.municipality();
    let own = import_file::table.find((code.as_str(), import.as_bytes().as_slice()));
    let change = (
        import_file::stage.eq(stage_word(stage)),
        import_file::preview.eq(preview),
        import_file::checked_at_unix_ms.eq(at(permit)),
    );
    diesel::update(own).set(change).execute(tx).map(drop).map_err(failed)
}

/// Ends an import; its file and all that was made of it are deleted in the same transaction.
pub(crate) fn decide(
    tx: &mut Tx,
    permit: &Permit,
    (import, stage): (Uuid, Stage),
    by: Option<&str>,
) -> Result<(), ApiError> {
    let code = permit.municipality();
    let own = import_file::table.find((code.as_str(), import.as_bytes().as_slice()));
    let change = (
        import_file::stage.eq(stage_word(stage)),
        import_file::decided_by.eq(by),
        import_file::decided_at_unix_ms.eq(at(permit)),
        import_file::erased_at_unix_ms.eq(at(permit)),
    );
    diesel::update(own).set(change).execute(tx).map(drop).map_err(failed)
}
