//! Tiles: the tree cut into stacks of eight heights, 256 hashes wide (C2SP tlog-tiles).

use std::fmt;

use crate::hash::Hash;

/// How many hashes a full tile holds.
pub const TILE_WIDTH: usize = 256;

const TILE_HEIGHT: u8 = 8;
/// The highest level the path format knows.
const LEVEL_MAX: u8 = 63;

/// Names a tile: level 0 holds leaf hashes, level n the roots of full tiles of level n - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    pub level: u8,
    pub index: u64,
}

/// A tile that will never change again: the caller stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FullTile {
    pub id: TileId,
    pub hashes: Vec<Hash>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTile {
    #[error("a tile is a whole number of hashes, 1 to 256 of them")]
    Bytes,
    #[error("this is not a tile's path")]
    Path,
}

impl TileId {
    /// How many hashes of this tile exist in a tree of this size.
    #[must_use]
    pub fn width_in(self, size: u64) -> usize {
        let before = u128::from(self.index) * 256;
        let width = u128::from(hashes_at(self.level, size)).saturating_sub(before);
        usize::try_from(width).map_or(TILE_WIDTH, |width| width.min(TILE_WIDTH))
    }

    /// The path of this tile at this width; a width below 256 makes it a partial tile's path.
    #[must_use]
    pub fn path(self, width: usize) -> String {
        format!("{self}{}", width_suffix(width))
    }

    /// Reads a path back; only the one spelling that `path` writes is accepted.
    pub fn parse_path(path: &str) -> Result<(Self, usize), InvalidTile> {
        let rest = path.strip_prefix("tile/").ok_or(InvalidTile::Path)?;
        let (level, rest) = rest.split_once('/').ok_or(InvalidTile::Path)?;
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, width.parse().map_err(|_| InvalidTile::Path)?),
            None => (rest, TILE_WIDTH),
        };
        let level = level.parse().map_err(|_| InvalidTile::Path)?;
        let index = index.replace(['x', '/'], "").parse().map_err(|_| InvalidTile::Path)?;
        let id = Self { level, index };
        let canonical = (1..=TILE_WIDTH).contains(&width) && id.path(width) == path;
        if canonical && level <= LEVEL_MAX { Ok((id, width)) } else { Err(InvalidTile::Path) }
    }
}

/// Writes the path of the full tile.
impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/{}", self.level, index_path(self.index))
    }
}

/// A tile's index in groups of three digits, so that no folder holds more than a thousand names.
pub(crate) fn index_path(index: u64) -> String {
    let groups: Vec<u64> =
        std::iter::successors(Some(index), |n| Some(n / 1000).filter(|n| *n > 0)).collect();
    let name = |(place, group): (usize, &u64)| {
        let digits = group % 1000;
        if place > 0 { format!("x{digits:03}/") } else { format!("{digits:03}") }
    };
    groups.iter().enumerate().rev().map(name).collect()
}

/// What stands behind the path of a tile that is not full yet.
pub(crate) fn width_suffix(width: usize) -> String {
    if width < TILE_WIDTH { format!(".p/{width}") } else { String::new() }
}

impl FullTile {
    /// The stored form: the hashes one after the other, 8,192 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(Hash::as_bytes).copied().collect()
    }
}

/// Reads the stored form of a tile, full or partial.
pub fn tile_hashes(bytes: &[u8]) -> Result<Vec<Hash>, InvalidTile> {
    let (chunks, rest) = bytes.as_chunks::<{ Hash::LEN }>();
    let whole = rest.is_empty() && (1..=TILE_WIDTH).contains(&chunks.len());
    if whole {
        Ok(chunks.iter().copied().map(Hash::from).collect())
    } else {
        Err(InvalidTile::Bytes)
    }
}

/// How many hashes a whole level has in a tree of this size.
pub(crate) fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * u32::from(TILE_HEIGHT)).unwrap_or(0)
}

/// Names a node by its height above the leaves and its place at that height.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) height: u8,
    pub(crate) index: u64,
}

impl Node {
    pub(crate) fn tile(self) -> TileId {
        let level = self.height / TILE_HEIGHT;
        TileId { level, index: self.index >> (TILE_HEIGHT - self.row()) }
    }

    pub(crate) fn row(self) -> u8 {
        self.height % TILE_HEIGHT
    }

    /// The place of this node within its row of its tile.
    pub(crate) fn position(self) -> usize {
        let across = TILE_HEIGHT - self.row();
        let [.., low] = (self.index & ((1 << across) - 1)).to_be_bytes();
        usize::from(low)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_written_in_groups_of_three() {
        let cases = [
            (0, 0, 256, "tile/0/000"),
            (1, 67, 256, "tile/1/067"),
            (0, 1000, 256, "tile/0/x001/000"),
            (0, 1_234_067, 256, "tile/0/x001/x234/067"),
            (2, 5, 1, "tile/2/005.p/1"),
            (63, 999_999, 255, "tile/63/x999/999.p/255"),
        ];
        for (level, index, width, path) in cases {
            assert_eq!(TileId { level, index }.path(width), path);
        }
    }

    #[test]
    fn other_spellings_of_a_path_are_refused() {
        let wrong = [
            "",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/00/000",
            "tile/64/000",
            "tile/+1/000",
            "tile/0/x000/001",
            "tile/0/001/000",
            "tile/0/x001/x000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000/",
            "/tile/0/000",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
        ];
        for path in wrong {
            assert_eq!(TileId::parse_path(path), Err(InvalidTile::Path), "{path}");
        }
    }

    #[test]
    fn seventy_thousand_leaves_make_the_tiles_of_the_specification() {
        let width = |level, index| TileId { level, index }.width_in(70_000);
        assert_eq!((width(0, 272), width(0, 273), width(0, 274)), (256, 112, 0));
        assert_eq!((width(1, 0), width(1, 1), width(2, 0), width(3, 0)), (256, 17, 1, 0));
    }

    #[test]
    fn stored_bytes_are_read_back_and_odd_lengths_refused() {
        let hashes = vec![crate::leaf_hash(b"a"), crate::leaf_hash(b"b")];
        let tile = FullTile { id: TileId { level: 0, index: 0 }, hashes };
        let bytes = tile.to_bytes();
        assert_eq!(tile_hashes(&bytes), Ok(tile.hashes));
        for wrong in [&[][..], &bytes[1..], &vec![0; 257 * 32]] {
            assert_eq!(tile_hashes(wrong), Err(InvalidTile::Bytes));
        }
    }

    proptest! {
        #[test]
        fn every_path_is_read_back(level in 0..=63u8, index: u64, width in 1..=256usize) {
            let id = TileId { level, index };
            prop_assert_eq!(TileId::parse_path(&id.path(width)), Ok((id, width)));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "tile/[0-9x/.p]{0,40}") {
            if let Ok((id, width)) = TileId::parse_path(&text) {
                prop_assert_eq!(id.path(width), text);
            }
        }
    }
}
