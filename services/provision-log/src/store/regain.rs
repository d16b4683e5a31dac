//! What the owner of the tables brings back into a log that was set back.

use db::{DbError, Tx, on_engine};
use diesel::prelude::*;
use domain::MunicipalityCode;
use ledger::Hash;

use super::schema::{checkpoint, cosigned, entry, leaf};
use super::{open_segment, to_seq};
use crate::candidate::Digest;

/// An entry that was missing.
#[derive(Debug)]
pub(crate) struct Regained {
    pub(crate) index: u64,
    pub(crate) hash: Hash,
    /// `None` if the body has been destroyed since.
    pub(crate) body: Option<RegainedBody>,
}

#[derive(Debug)]
pub(crate) struct RegainedBody {
    pub(crate) segment: i32,
    /// `None` for an order.
    pub(crate) parties: Option<(MunicipalityCode, MunicipalityCode)>,
    pub(crate) permit: Option<Digest>,
    pub(crate) settled: Option<Digest>,
    pub(crate) bytes: Vec<u8>,
}

/// Adds entries with their leaves, a tile's width of them at most.
pub(crate) fn insert_regained(tx: &mut Tx, regained: &[Regained]) -> Result<(), DbError> {
    let digest = |one: &Option<Digest>| one.map(|digest| digest.to_vec());
    let leaves: Vec<_> = regained
        .iter()
        .map(|one| {
            let body = one.body.as_ref();
            (
                leaf::seq.eq(to_seq(one.index)),
                leaf::hash.eq(one.hash.as_bytes().as_slice()),
                leaf::permit_digest.eq(body.and_then(|body| digest(&body.permit))),
                leaf::settled_digest.eq(body.and_then(|body| digest(&body.settled))),
            )
        })
        .collect();
    for row in leaves {
        diesel::insert_into(leaf::table).values(row).execute(tx)?;
    }
    let mut opened = None;
    for (index, body) in regained.iter().filter_map(|one| Some((one.index, one.body.as_ref()?))) {
        if opened != Some(body.segment) {
            open_segment(tx, body.segment)?;
            opened = Some(body.segment);
        }
        let (inquirer, provider) = body.parties.as_ref().map(|(a, b)| (a, b)).unzip();
        let row = (
            entry::seq.eq(to_seq(index)),
            entry::segment.eq(body.segment),
            entry::act.eq(if body.parties.is_some() { "outcome" } else { "order" }),
            entry::inquirer.eq(inquirer.map(MunicipalityCode::as_str)),
            entry::provider.eq(provider.map(MunicipalityCode::as_str)),
            entry::body.eq(&body.bytes),
        );
        diesel::insert_into(entry::table).values(row).execute(tx)?;
    }
    Ok(())
}

/// Adds a checkpoint, unless it is there.
pub(crate) fn regain_checkpoint(
    tx: &mut Tx,
    (size, root): (u64, Hash),
    note: &str,
    issued_at_unix_ms: i64,
) -> Result<(), DbError> {
    let row = (
        checkpoint::size.eq(to_seq(size)),
        checkpoint::issued_at_unix_ms.eq(issued_at_unix_ms),
        checkpoint::root.eq(root.as_bytes().as_slice()),
        checkpoint::note.eq(note),
    );
    let add = diesel::insert_into(checkpoint::table).values(row).on_conflict_do_nothing();
    on_engine!(tx, c => add.execute(c))?;
    Ok(())
}

/// Adds a cosigned checkpoint, unless it is there.
pub(crate) fn regain_cosigned(
    tx: &mut Tx,
    size: u64,
    note: &str,
    cosigned_at_unix_ms: i64,
) -> Result<(), DbError> {
    let row = (
        cosigned::size.eq(to_seq(size)),
        cosigned::cosigned_at_unix_ms.eq(cosigned_at_unix_ms),
        cosigned::note.eq(note),
    );
    let add = diesel::insert_into(cosigned::table).values(row).on_conflict_do_nothing();
    on_engine!(tx, c => add.execute(c))?;
    Ok(())
}
