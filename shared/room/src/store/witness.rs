//! A room's memory as a witness of the provision log.

use db::Tx;
use diesel::prelude::*;
use domain::{Action, Permit};
use service::ApiError;

use super::schema::{witness_evidence, witness_state};
use super::{broken_row, failed};

/// The note of the newest checkpoint that the room has seen the log grow to.
pub fn known(tx: &mut Tx, permit: &Permit) -> Result<Option<String>, ApiError> {
    permit.expect_action(Action::WitnessLog)?;
    witness_state::table
        .filter(witness_state::municipality.eq(permit.municipality().as_str()))
        .select(witness_state::note)
        .first(tx)
        .optional()
        .map_err(failed)
}

/// Remembers a checkpoint in place of the one it was proven to continue; `false` if the room knows
/// another one meanwhile.
pub fn remember(
    tx: &mut Tx,
    permit: &Permit,
    known: Option<&str>,
    (size, note): (u64, &str),
) -> Result<bool, ApiError> {
    permit.expect_action(Action::WitnessLog)?;
    let size = i64::try_from(size).map_err(|_| broken_row())?;
    let code = permit.municipality();
    let seen_at = crate::operation_log::unix_ms(permit.context().at);
    let Some(known) = known else {
        let first = (
            witness_state::municipality.eq(code.as_str()),
            witness_state::size.eq(size),
            witness_state::note.eq(note),
            witness_state::seen_at_unix_ms.eq(seen_at),
        );
        let insert = diesel::insert_into(witness_state::table).values(first);
        return insert.execute(tx).map(|_| true).map_err(failed);
    };
    let same = witness_state::table
        .filter(witness_state::municipality.eq(code.as_str()))
        .filter(witness_state::note.eq(known));
    let newer = (
        witness_state::size.eq(size),
        witness_state::note.eq(note),
        witness_state::seen_at_unix_ms.eq(seen_at),
    );
    let changed = diesel::update(same).set(newer).execute(tx).map_err(failed)?;
    Ok(changed == 1)
}

/// Keeps two notes of the log of which neither continues the other.
pub fn keep_evidence(
    tx: &mut Tx,
    permit: &Permit,
    (known, seen): (&str, &str),
) -> Result<(), ApiError> {
    permit.expect_action(Action::WitnessLog)?;
    let seen_at = crate::operation_log::unix_ms(permit.context().at);
    diesel::insert_into(witness_evidence::table)
        .values((
            witness_evidence::municipality.eq(permit.municipality().as_str()),
            witness_evidence::seen_at_unix_ms.eq(seen_at),
            witness_evidence::known_note.eq(known),
            witness_evidence::seen_note.eq(seen),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}
