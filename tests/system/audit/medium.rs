//! Bytes of the medium: pages that cannot be read, and pages in which a byte has changed.

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use audit::Kind::{Edited, Unreadable};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use super::copies::{Copy, found, joined};
use super::master::{Master, on_both};
use super::rows;

/// An entry of the first month.
const VICTIM: u64 = 77;

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Text)]
    place: String,
}

/// A file in which bodies lie, and the size of its pages.
struct Medium {
    file: PathBuf,
    page: usize,
}

impl Medium {
    fn of(copy: &Copy) -> Self {
        match copy.url.strip_prefix("sqlite:") {
            Some(path) => Self { file: PathBuf::from(path), page: 4_096 },
            None => {
                let found: Place =
                    sql_query("SELECT pg_relation_filepath('entry_201810') AS place")
                        .get_result(&mut copy.attack())
                        .unwrap();
                Self { file: server_folder().join(found.place), page: 8_192 }
            }
        }
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(&self.file).unwrap()
    }

    /// Where a body begins in the file.
    fn place_of(&self, body: &[u8]) -> Option<usize> {
        let bytes = self.bytes();
        let begins = bytes.iter().enumerate().filter(|(_, byte)| **byte == body[0]);
        begins.map(|(place, _)| place).find(|place| bytes[*place..].starts_with(body))
    }

    fn change(&self, change: impl FnOnce(&mut [u8])) {
        let mut bytes = self.bytes();
        change(&mut bytes);
        fs::write(&self.file, bytes).unwrap();
    }

    fn page_at(&self, place: usize) -> Range<usize> {
        let first = place / self.page * self.page;
        first..first + self.page
    }
}

#[expect(clippy::disallowed_methods, reason = "tests/run says where its PostgreSQL is")]
pub(super) fn server_folder() -> PathBuf {
    std::env::var("TEST_POSTGRES_DATA").map(PathBuf::from).expect("run the tests with tests/run")
}

impl Master {
    /// A copy that nobody has read yet: its pages are on the medium and nowhere else.
    fn untouched(&self) -> (Copy, Medium, Vec<(u64, Vec<u8>)>) {
        let bodies = rows::bodies(&mut self.copy().attack());
        let copy = Copy::of_files(&self.url);
        let medium = Medium::of(&copy);
        (copy, medium, bodies)
    }
}

#[test]
fn a_page_that_cannot_be_read_costs_its_own_entries_only() {
    on_both(|master| {
        let (copy, medium, bodies) = master.untouched();
        let body = |index: u64| &bodies.iter().find(|(at, _)| *at == index).unwrap().1;
        let page = medium.page_at(medium.place_of(body(VICTIM)).unwrap());
        let bytes = medium.bytes()[page.clone()].to_vec();
        let is_there = |body: &[u8]| (0..bytes.len()).any(|at| bytes[at..].starts_with(body));
        let lost = bodies.iter().filter(|(_, body)| is_there(body)).map(|(index, _)| *index);
        let lost: BTreeSet<u64> = lost.collect();
        assert!((2..40).contains(&lost.len()), "{lost:?}");
        medium.change(|bytes| bytes[page].fill(0xff));
        let named = found(&master.verify(&copy));
        let expected = joined(lost.iter().map(|index| (Unreadable, *index, index + 1)));
        assert_eq!(named, expected);
    });
}

#[test]
fn a_flipped_byte_in_a_page_is_an_edited_body() {
    on_both(|master| {
        let (copy, medium, bodies) = master.untouched();
        let (_, body) = bodies.iter().find(|(index, _)| *index == VICTIM).unwrap();
        let place = medium.place_of(body).unwrap();
        let inside = std::str::from_utf8(body).unwrap().find("clerk").unwrap();
        medium.change(|bytes| bytes[place + inside] ^= 1);
        let expected = joined([(Edited, VICTIM, VICTIM + 1)]);
        assert_eq!(found(&master.verify(&copy)), expected);
    });
}

/// Nothing but noise: that is an answer, too, and not a crash.
#[test]
fn a_file_of_noise_is_not_sound() {
    on_both(|master| {
        let Some(_) = master.url.strip_prefix("sqlite:") else { return };
        let (copy, medium, _) = master.untouched();
        medium.change(|bytes| bytes[4_096..].fill(0x5a));
        let url = db::DbUrl::parse(&copy.url).unwrap();
        if let Ok(mut source) = provision_log::offline::Database::open(&url) {
            let evidence = audit::Evidence::default();
            assert!(!super::copies::verify(&mut source, &master.trust, evidence).sound);
        }
        assert!(Path::new(&medium.file).exists());
    });
}
