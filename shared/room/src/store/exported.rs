//! Which pages of an export left the room: it is closed only when all of its records were taken along.

use std::collections::HashMap;

use db::Tx;
use diesel::prelude::*;
use domain::Permit;
use service::ApiError;
use uuid::Uuid;

use super::schema::exported_page;
use super::{broken_row, failed, read_uuid};

/// What an export is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exported {
    Subjects,
    Doses,
}

impl Exported {
    pub const ALL: [Self; 2] = [Self::Subjects, Self::Doses];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subjects => "subjects",
            Self::Doses => "doses",
        }
    }
}

/// A page that left the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How long the operation log was at the moment that the export tells of.
    pub operations: u64,
    /// The last person of the page before.
    pub after: Option<Uuid>,
    /// The last person of this page, if more follow.
    pub next: Option<Uuid>,
    pub rows: u64,
    pub sha256: [u8; 32],
}

/// Keeps a page; those of earlier exports of the same content are forgotten.
pub fn keep(
    tx: &mut Tx,
    permit: &Permit,
    (content, page): (Exported, &Page),
) -> Result<(), ApiError> {
    let municipality = permit.municipality();
    let bytes = |id: &Uuid| id.as_bytes().to_vec();
    let after = page.after.as_ref().map(bytes).unwrap_or_default();
    let operations = i64::try_from(page.operations).map_err(|_| broken_row())?;
    let own = exported_page::table
        .filter(exported_page::municipality.eq(municipality.as_str()))
        .filter(exported_page::content.eq(content.as_str()));
    let earlier = own.filter(exported_page::operations.lt(operations));
    diesel::delete(earlier).execute(tx).map_err(failed)?;
    let same = own
        .filter(exported_page::operations.eq(operations))
        .filter(exported_page::after_subject.eq(after.as_slice()));
    diesel::delete(same).execute(tx).map_err(failed)?;
    diesel::insert_into(exported_page::table)
        .values((
            exported_page::municipality.eq(municipality.as_str()),
            exported_page::content.eq(content.as_str()),
            exported_page::operations.eq(operations),
            exported_page::after_subject.eq(&after),
            exported_page::next_subject.eq(page.next.as_ref().map(bytes)),
            exported_page::row_count.eq(i64::try_from(page.rows).map_err(|_| broken_row())?),
            exported_page::sha256.eq(page.sha256.as_slice()),
        ))
        .execute(tx)
        .map(drop)
        .map_err(failed)
}

type Row = (i64, Vec<u8>, Option<Vec<u8>>, i64, Vec<u8>);

/// The newest export from its first page to its last; `None` if a page is missing.
pub fn newest_whole(
    tx: &mut Tx,
    permit: &Permit,
    content: Exported,
) -> Result<Option<Vec<Page>>, ApiError> {
    let rows: Vec<Row> = exported_page::table
        .filter(exported_page::municipality.eq(permit.municipality().as_str()))
        .filter(exported_page::content.eq(content.as_str()))
        .select((
            exported_page::operations,
            exported_page::after_subject,
            exported_page::next_subject,
            exported_page::row_count,
            exported_page::sha256,
        ))
        .load(tx)
        .map_err(failed)?;
    let pages: Vec<Page> = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    let newest = pages.iter().map(|page| page.operations).max();
    let mut by_place: HashMap<Option<Uuid>, Page> = pages
        .into_iter()
        .filter(|page| Some(page.operations) == newest)
        .map(|page| (page.after, page))
        .collect();
    let (mut whole, mut place) = (Vec::new(), None);
    // Each page is taken once, so a circle ends.
    while let Some(page) = by_place.remove(&place) {
        place = page.next;
        whole.push(page);
        if place.is_none() {
            return Ok(Some(whole));
        }
    }
    Ok(None)
}

fn read((operations, after, next, rows, sha256): Row) -> Result<Page, ApiError> {
    Ok(Page {
        operations: u64::try_from(operations).map_err(|_| broken_row())?,
        after: Some(after).filter(|id| !id.is_empty()).as_deref().map(read_uuid).transpose()?,
        next: next.as_deref().map(read_uuid).transpose()?,
        rows: u64::try_from(rows).map_err(|_| broken_row())?,
        sha256: sha256.as_slice().try_into().map_err(|_| broken_row())?,
    })
}
