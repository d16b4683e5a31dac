use std::collections::BTreeMap;

use db::{DbError, Tx};
use diesel::prelude::*;
use domain::{MunicipalityCode, OperatorId};
use uuid::Uuid;
use wire::registry::{Directory, DirectoryEntry, PublishedKey, Revocations};

use super::municipality::{Purpose, parse_key};
use super::schema::{
    directory_state, municipality, municipality_key, operator, session, terminal, token_key,
};
use super::unreadable;

/// A token may be accepted a little after its end, where clocks differ.
const SESSION_LISTED_S: i64 = 60;
/// Longer than any token lives: then no token of a suspended operator is left to revoke.
const OPERATOR_LISTED_MS: i64 = 86_400_000;

/// Takes the one lock of the registry until the transaction ends; registrations are few.
pub(crate) fn registry_lock(tx: &mut Tx) -> Result<(), DbError> {
    diesel::update(directory_state::table.find(1))
        .set(directory_state::sequence.eq(directory_state::sequence))
        .execute(tx)?;
    Ok(())
}

/// Notes that the directory's content has changed.
pub(crate) fn directory_advance(tx: &mut Tx) -> Result<(), DbError> {
    diesel::update(directory_state::table.find(1))
        .set(directory_state::sequence.eq(directory_state::sequence + 1))
        .execute(tx)?;
    Ok(())
}

pub(crate) fn directory_sequence(tx: &mut Tx) -> Result<i64, DbError> {
    Ok(directory_state::table.find(1).select(directory_state::sequence).first(tx)?)
}

/// The whole directory; keys whose time is over are left out.
pub(crate) fn directory_read(
    tx: &mut Tx,
    issued_at_unix_s: i64,
    expires_at_unix_s: i64,
) -> Result<Directory, DbError> {
    let sequence = directory_sequence(tx)?;
    let rows: Vec<(String, String, String)> = municipality::table
        .select((municipality::code, municipality::host, municipality::url))
        .order(municipality::code)
        .load(tx)?;
    let (mut sealing, mut signing) = room_keys_by_code(tx, issued_at_unix_s)?;
    let municipalities = rows.into_iter().map(|(code, host, url)| {
        Ok::<_, DbError>(DirectoryEntry {
            municipality: MunicipalityCode::parse(&code).map_err(|_| unreadable())?,
            host,
            url,
            sealing_keys: sealing.remove(&code).unwrap_or_default(),
            signing_keys: signing.remove(&code).unwrap_or_default(),
        })
    });
    Ok(Directory {
        sequence,
        issued_at_unix_s,
        expires_at_unix_s,
        municipalities: municipalities.collect::<Result<_, _>>()?,
        token_keys: token_key_list(tx, issued_at_unix_s)?,
    })
}

type KeysByCode = BTreeMap<String, Vec<PublishedKey>>;

fn room_keys_by_code(tx: &mut Tx, now_unix_s: i64) -> Result<(KeysByCode, KeysByCode), DbError> {
    let rows: Vec<(String, String, i64, Vec<u8>, i64, i64)> = municipality_key::table
        .filter(municipality_key::not_after_unix_s.ge(now_unix_s))
        .order((
            municipality_key::municipality,
            municipality_key::purpose,
            municipality_key::key_id,
        ))
        .load(tx)?;
    let (mut sealing, mut signing) = (KeysByCode::new(), KeysByCode::new());
    for (code, purpose, id, key, not_before, not_after) in rows {
        let keys = match Purpose::parse(&purpose).ok_or_else(unreadable)? {
            Purpose::Sealing => &mut sealing,
            Purpose::Signing => &mut signing,
        };
        keys.entry(code).or_default().push(parse_key((id, key, not_before, not_after))?);
    }
    Ok((sealing, signing))
}

fn token_key_list(tx: &mut Tx, now_unix_s: i64) -> Result<Vec<PublishedKey>, DbError> {
    let rows = token_key::table
        .filter(token_key::not_after_unix_s.ge(now_unix_s))
        .order(token_key::key_id)
        .load::<(i64, Vec<u8>, i64, i64)>(tx)?;
    rows.into_iter().map(parse_key).collect()
}

pub(crate) fn token_key_find(tx: &mut Tx, id: u32) -> Result<Option<PublishedKey>, DbError> {
    let row: Option<(i64, Vec<u8>, i64, i64)> =
        token_key::table.find(i64::from(id)).first(tx).optional()?;
    row.map(parse_key).transpose()
}

pub(crate) fn token_key_insert(tx: &mut Tx, key: &PublishedKey) -> Result<(), DbError> {
    diesel::insert_into(token_key::table)
        .values((
            token_key::key_id.eq(i64::from(key.id)),
            token_key::public_key.eq(&key.key.0),
            token_key::not_before_unix_s.eq(key.not_before_unix_s),
            token_key::not_after_unix_s.eq(key.not_after_unix_s),
        ))
        .execute(tx)?;
    Ok(())
}

pub(crate) fn token_key_set_validity(tx: &mut Tx, key: &PublishedKey) -> Result<(), DbError> {
    diesel::update(token_key::table.find(i64::from(key.id)))
        .set((
            token_key::not_before_unix_s.eq(key.not_before_unix_s),
            token_key::not_after_unix_s.eq(key.not_after_unix_s),
        ))
        .execute(tx)?;
    Ok(())
}

/// Says whether any of them was there.
pub(crate) fn token_keys_delete(tx: &mut Tx, ids: &[u32]) -> Result<bool, DbError> {
    let mut deleted = 0;
    for id in ids {
        deleted += diesel::delete(token_key::table.find(i64::from(*id))).execute(tx)?;
    }
    Ok(deleted > 0)
}

/// What no longer counts although a token or a certificate says so.
pub(crate) fn revocations_read(tx: &mut Tx, now_unix_s: i64) -> Result<Revocations, DbError> {
    let sessions: Vec<Vec<u8>> = session::table
        .filter(session::ended_at_ms.is_not_null())
        .filter(session::expires_at_unix_s.gt(now_unix_s.saturating_sub(SESSION_LISTED_S)))
        .order(session::id)
        .select(session::id)
        .load(tx)?;
    let since_ms = now_unix_s.saturating_mul(1_000).saturating_sub(OPERATOR_LISTED_MS);
    let operators: Vec<String> = operator::table
        .filter(operator::suspended_at_ms.gt(since_ms))
        .order(operator::id)
        .select(operator::id)
        .load(tx)?;
    let terminals: Vec<Vec<u8>> = terminal::table
        .filter(terminal::revoked_at_ms.is_not_null())
        .order((terminal::municipality, terminal::id))
        .select(terminal::thumbprint)
        .load(tx)?;
    let session_id =
        |id: Vec<u8>| Uuid::from_slice(&id).map(|id| id.to_string()).map_err(|_| unreadable());
    let operator_id = |id: String| OperatorId::parse(&id).map_err(|_| unreadable());
    Ok(Revocations {
        issued_at_unix_s: now_unix_s,
        sessions: sessions.into_iter().map(session_id).collect::<Result<_, _>>()?,
        operators: operators.into_iter().map(operator_id).collect::<Result<_, _>>()?,
        terminals: terminals.into_iter().map(Into::into).collect(),
    })
}
