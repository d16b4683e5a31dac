use db::{DbError, Tx};
use diesel::prelude::*;
use domain::{MunicipalityCode, TerminalId};
use time::OffsetDateTime;

use super::schema::terminal;
use super::{place, unix_ms};

#[derive(Clone)]
pub(crate) struct Terminal {
    pub(crate) thumbprint: Vec<u8>,
    pub(crate) is_revoked: bool,
}

#[derive(Clone)]
pub(crate) struct NewTerminal {
    pub(crate) municipality: Option<MunicipalityCode>,
    pub(crate) id: TerminalId,
    pub(crate) thumbprint: Vec<u8>,
}

pub(crate) fn terminal_find(
    tx: &mut Tx,
    municipality: Option<MunicipalityCode>,
    id: &TerminalId,
) -> Result<Option<Terminal>, DbError> {
    let row: Option<(Vec<u8>, Option<i64>)> = terminal::table
        .find((place(municipality), id.as_str()))
        .select((terminal::thumbprint, terminal::revoked_at_ms))
        .first(tx)
        .optional()?;
    Ok(row.map(|(thumbprint, revoked_at_ms)| Terminal {
        thumbprint,
        is_revoked: revoked_at_ms.is_some(),
    }))
}

pub(crate) fn terminal_insert(
    tx: &mut Tx,
    new: &NewTerminal,
    at: OffsetDateTime,
) -> Result<(), DbError> {
    diesel::insert_into(terminal::table)
        .values((
            terminal::municipality.eq(place(new.municipality)),
            terminal::id.eq(new.id.as_str()),
            terminal::thumbprint.eq(&new.thumbprint),
            terminal::registered_at_ms.eq(unix_ms(at)),
        ))
        .execute(tx)?;
    Ok(())
}

pub(crate) fn terminal_revoke(
    tx: &mut Tx,
    municipality: Option<MunicipalityCode>,
    id: &TerminalId,
    at: OffsetDateTime,
) -> Result<(), DbError> {
    diesel::update(terminal::table.find((place(municipality), id.as_str())))
        .set(terminal::revoked_at_ms.eq(unix_ms(at)))
        .execute(tx)?;
    Ok(())
}
