//! The 1,741 municipalities (public-domain data, July 2026) and codes that have ended.
//!
//! An ended code (merged, or raised to a city) still appears on old papers.  It is never routed:
//! asking it looks like "nothing"; the successor is for the clerk's form to suggest.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use time::Date;

use crate::MunicipalityCode;

#[derive(Clone, Debug, Deserialize)]
pub struct Municipality {
    pub code: MunicipalityCode,
    pub prefecture: String,
    pub name: String,
    pub kana: String,
}

#[derive(Clone, Debug, Deserialize)]
pub struct EndedMunicipality {
    pub code: MunicipalityCode,
    pub name: String,
    pub ended_on: Date,
    pub successor: MunicipalityCode,
}

/// The municipality that has this code today.
pub fn municipality(code: MunicipalityCode) -> Option<&'static Municipality> {
    CURRENT.get(&code)
}

/// Every municipality of today, in the order of the codes.
pub fn municipalities() -> impl Iterator<Item = &'static Municipality> {
    CURRENT.values()
}

/// The municipality that once had this code.
pub fn ended_municipality(code: MunicipalityCode) -> Option<&'static EndedMunicipality> {
    ENDED.get(&code)
}

static CURRENT: LazyLock<BTreeMap<MunicipalityCode, Municipality>> = LazyLock::new(|| {
    rows(include_str!("../data/municipalities.csv"))
        .map(|row: Municipality| (row.code, row))
        .collect()
});

static ENDED: LazyLock<BTreeMap<MunicipalityCode, EndedMunicipality>> = LazyLock::new(|| {
    rows(include_str!("../data/ended_municipalities.csv"))
        .map(|row: EndedMunicipality| (row.code, row))
        .collect()
});

/// Rows of a file that ships inside the executable; its tests prove that every row parses.
pub(crate) fn rows<T: for<'de> Deserialize<'de>>(text: &'static str) -> impl Iterator<Item = T> {
    csv::Reader::from_reader(text.as_bytes()).into_deserialize().filter_map(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_one_of_the_1741_codes_has_the_right_check_digit() {
        assert_eq!(include_str!("../data/municipalities.csv").lines().count() - 1, 1_741);
        assert_eq!(municipalities().count(), 1_741, "a row does not parse: wrong check digit?");
    }

    #[test]
    fn the_demonstration_municipalities_are_among_them() {
        for (code, name) in [("131211", "足立区"), ("072036", "郡山市"), ("472131", "うるま市")]
        {
            assert_eq!(municipality(MunicipalityCode::parse(code).unwrap()).unwrap().name, name);
        }
    }

    #[test]
    fn an_ended_code_is_no_code_of_today_but_its_successor_is() {
        let file = include_str!("../data/ended_municipalities.csv");
        assert_eq!(ENDED.len(), file.lines().count() - 1, "a row does not parse");
        for ended in ENDED.values() {
            assert!(municipality(ended.code).is_none(), "{}", ended.name);
            assert!(municipality(ended.successor).is_some(), "{}", ended.name);
        }
    }
}
