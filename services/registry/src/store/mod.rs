//! All SQL of the registry.
//!
//! Invariant: whoever writes anything calls [`registry_lock`] first, so what was read under it is
//! still so when it is written; the directory's sequence and the access log follow commits.

mod access_log;
#[cfg(test)]
mod access_log_tests;
mod directory;
mod municipality;
mod operator;
mod schema;
mod session;
mod terminal;

use domain::MunicipalityCode;
use time::OffsetDateTime;
use wire::identity::NATIONAL;

pub(crate) use self::access_log::{
    AccessRow, access_checkpoint_insert, access_checkpoint_newest, access_checkpoints,
    access_insert, access_page, access_rows, access_tail, access_tile,
};
pub(crate) use self::directory::{
    directory_advance, directory_read, directory_sequence, registry_lock, revocations_read,
    token_key_find, token_key_insert, token_key_set_validity, token_keys_delete,
};
pub(crate) use self::municipality::{
    Host, Purpose, RoomKey, municipality_find, municipality_insert, municipality_move,
    room_key_insert, room_key_list, room_key_set_validity,
};
pub(crate) use self::operator::{
    NewOperator, Operator, operator_any, operator_find, operator_insert, operator_suspend,
};
pub(crate) use self::session::{NewSession, session_begin, session_end};
pub(crate) use self::terminal::{
    NewTerminal, Terminal, terminal_find, terminal_insert, terminal_revoke,
};

/// How a column says which municipality: national operations have a code of their own.
pub(crate) fn place(municipality: Option<MunicipalityCode>) -> String {
    municipality.map_or_else(|| NATIONAL.to_owned(), |code| code.to_string())
}

pub(crate) fn unix_ms(at: OffsetDateTime) -> i64 {
    // Milliseconds fill 63 bits only 292 million years from now.
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

/// A value of ours that does not read back: the row was changed from outside.
fn unreadable() -> db::DbError {
    diesel::result::Error::DeserializationError("a column holds no value of its type".into()).into()
}

fn unsigned(number: i64) -> Result<u64, db::DbError> {
    u64::try_from(number).map_err(|_| unreadable())
}
