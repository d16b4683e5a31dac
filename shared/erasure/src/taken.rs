//! Whether all records were taken along before the room ends.

use std::fmt;

use crypto::sha256;
use db::Tx;
use domain::Permit;
use room::store::exported::{self, Exported};
use service::ApiError;

use crate::store::closing::is_changed_since;
use crate::store::personal::hex;

/// A whole export of records that have not changed since.
pub(crate) struct Taken {
    content: Exported,
    pages: usize,
    rows: u64,
    operations: u64,
    /// Over the SHA-256 of its pages, in their order.
    digest: [u8; 32],
}

/// The newest exports of persons and of doses; `None` if one is missing, lacks a page, or is older
/// than the last change.
pub(crate) fn taken(tx: &mut Tx, permit: &Permit) -> Result<Option<Vec<Taken>>, ApiError> {
    let mut all = Vec::new();
    for content in Exported::ALL {
        let Some(pages) = exported::newest_whole(tx, permit, content)? else { return Ok(None) };
        let operations = pages.first().map_or(0, |page| page.operations);
        if is_changed_since(tx, permit, operations)? {
            return Ok(None);
        }
        let digests: Vec<[u8; 32]> = pages.iter().map(|page| page.sha256).collect();
        let rows = pages.iter().map(|page| page.rows).sum();
        let digest = sha256(&digests.concat());
        all.push(Taken { content, pages: pages.len(), rows, operations, digest });
    }
    Ok(Some(all))
}

/// A line of the slip.
impl fmt::Display for Taken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { content, pages, rows, operations, digest } = self;
        let (content, digest) = (content.as_str(), hex(digest));
        write!(f, "export {content} pages {pages} rows {rows} at {operations} sha256 {digest}")
    }
}
