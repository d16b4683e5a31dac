use db::{DbError, Tx};
use diesel::prelude::*;
use domain::MunicipalityCode;
use time::OffsetDateTime;
use wire::registry::PublishedKey;

use super::schema::{municipality, municipality_key};
use super::{unix_ms, unreadable};

/// Where a municipality's room is.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub(crate) struct Host {
    pub(crate) host: String,
    pub(crate) url: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    Sealing,
    Signing,
}

impl Purpose {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Sealing => "sealing",
            Self::Signing => "signing",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Sealing, Self::Signing].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// A public key of a room and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomKey {
    pub(crate) purpose: Purpose,
    pub(crate) key: PublishedKey,
}

pub(crate) fn parse_key(
    (id, key, not_before_unix_s, not_after_unix_s): (i64, Vec<u8>, i64, i64),
) -> Result<PublishedKey, DbError> {
    let id = u32::try_from(id).map_err(|_| unreadable())?;
    Ok(PublishedKey { id, key: key.into(), not_before_unix_s, not_after_unix_s })
}

pub(crate) fn municipality_find(
    tx: &mut Tx,
    code: MunicipalityCode,
) -> Result<Option<Host>, DbError> {
    let row = municipality::table
        .find(code.as_str())
        .select((municipality::host, municipality::url))
        .first(tx)
        .optional()?;
    Ok(row)
}

pub(crate) fn municipality_insert(
    tx: &mut Tx,
    code: MunicipalityCode,
    Host { host, url }: &Host,
    at: OffsetDateTime,
) -> Result<(), DbError> {
    diesel::insert_into(municipality::table)
        .values((
            municipality::code.eq(code.as_str()),
            municipality::host.eq(host),
            municipality::url.eq(url),
            municipality::registered_at_ms.eq(unix_ms(at)),
        ))
        .execute(tx)?;
    Ok(())
}

/// From now on the room is hosted elsewhere.
pub(crate) fn municipality_move(
    tx: &mut Tx,
    code: MunicipalityCode,
    Host { host, url }: &Host,
) -> Result<(), DbError> {
    diesel::update(municipality::table.find(code.as_str()))
        .set((municipality::host.eq(host), municipality::url.eq(url)))
        .execute(tx)?;
    Ok(())
}

/// Every key the room ever published, also those whose time is over.
pub(crate) fn room_key_list(tx: &mut Tx, code: MunicipalityCode) -> Result<Vec<RoomKey>, DbError> {
    let rows: Vec<(String, String, i64, Vec<u8>, i64, i64)> = municipality_key::table
        .filter(municipality_key::municipality.eq(code.as_str()))
        .order((municipality_key::purpose, municipality_key::key_id))
        .load(tx)?;
    let read = rows.into_iter().map(|(_, purpose, id, key, not_before, not_after)| {
        let purpose = Purpose::parse(&purpose).ok_or_else(unreadable)?;
        Ok(RoomKey { purpose, key: parse_key((id, key, not_before, not_after))? })
    });
    read.collect()
}

pub(crate) fn room_key_insert(
    tx: &mut Tx,
    code: MunicipalityCode,
    RoomKey { purpose, key }: &RoomKey,
) -> Result<(), DbError> {
    diesel::insert_into(municipality_key::table)
        .values((
            municipality_key::municipality.eq(code.as_str()),
            municipality_key::purpose.eq(purpose.as_str()),
            municipality_key::key_id.eq(i64::from(key.id)),
            municipality_key::public_key.eq(&key.key.0),
            municipality_key::not_before_unix_s.eq(key.not_before_unix_s),
            municipality_key::not_after_unix_s.eq(key.not_after_unix_s),
        ))
        .execute(tx)?;
    Ok(())
}

/// A key's bytes never change; when it may be used does.
pub(crate) fn room_key_set_validity(
    tx: &mut Tx,
    code: MunicipalityCode,
    RoomKey { purpose, key }: &RoomKey,
) -> Result<(), DbError> {
    let row = municipality_key::table.find((code.as_str(), purpose.as_str(), i64::from(key.id)));
    diesel::update(row)
        .set((
            municipality_key::not_before_unix_s.eq(key.not_before_unix_s),
            municipality_key::not_after_unix_s.eq(key.not_after_unix_s),
        ))
        .execute(tx)?;
    Ok(())
}
