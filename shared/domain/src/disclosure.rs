//! Which provisions are kept out of a disclosure (開示), as dated rows of law.
//!
//! No source that this project knows names one, so none ships; a municipality that has such a rule
//! writes it into a file, with its source.

use serde::Deserialize;
use time::Date;

use crate::law::covers;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisclosureExemptions {
    rows: Vec<Exemption>,
}

/// While it is in force, nobody is told of provisions of this kind, whenever they were made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Exemption {
    procedure: String,
    legal_basis: String,
    hidden_from: Date,
    hidden_until: Option<Date>,
    source: String,
}

/// Most rows a file may have; rules of this kind are few.
pub const EXEMPTIONS_MAX: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of the disclosure exemptions is not readable, or names no source")]
pub struct InvalidExemptions {
    pub row: usize,
}

impl DisclosureExemptions {
    /// The rows that ship with the program.
    pub fn shipped() -> Self {
        let text = include_str!("../data/disclosure_exemptions.csv");
        Self { rows: crate::municipalities::rows(text).collect() }
    }

    /// Reads a CSV file's text; one unreadable row refuses the whole file.
    pub fn parse(text: &str) -> Result<Self, InvalidExemptions> {
        let mut rows = Vec::new();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for (index, read) in reader.deserialize().enumerate() {
            let refused = InvalidExemptions { row: index + 1 };
            let row: Exemption = read.map_err(|_| refused)?;
            if index >= EXEMPTIONS_MAX || row.source.trim().is_empty() {
                return Err(refused);
            }
            rows.push(row);
        }
        Ok(Self { rows })
    }

    /// Whether a provision of this kind must not be shown on this day.
    pub fn hides(&self, procedure: &str, legal_basis: &str, day: Date) -> bool {
        self.rows.iter().any(|row| {
            row.procedure == procedure
                && row.legal_basis == legal_basis
                && covers(Some(row.hidden_from), row.hidden_until, day)
        })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    const HEAD: &str = "procedure,legal_basis,hidden_from,hidden_until,source\n";

    #[test]
    fn a_rule_hides_its_own_kind_from_its_first_day_to_its_last() {
        let row = "inspection,act-1,2027-04-01,2027-09-30,an order\n";
        let rules = DisclosureExemptions::parse(&format!("{HEAD}{row}")).unwrap();
        let hides = |day| rules.hides("inspection", "act-1", day);
        assert!(!hides(date!(2027 - 03 - 31)) && hides(date!(2027 - 04 - 01)));
        assert!(hides(date!(2027 - 09 - 30)) && !hides(date!(2027 - 10 - 01)));
        assert!(!rules.hides("transfer-in", "act-1", date!(2027 - 05 - 01)));
        assert!(!rules.hides("inspection", "act-2", date!(2027 - 05 - 01)));
    }

    #[test]
    fn a_rule_without_an_end_goes_on() {
        let rules = format!("{HEAD}inspection,act-1,2027-04-01,,an order\n");
        let rules = DisclosureExemptions::parse(&rules).unwrap();
        assert!(rules.hides("inspection", "act-1", date!(2127 - 04 - 01)));
    }

    #[test]
    fn a_rule_without_a_source_or_a_beginning_refuses_the_file() {
        for row in ["a,b,2027-04-01,,", "a,b,2027-04-01,, ", "a,b,,,an order", "a,b,2027-04-01"] {
            let text = format!("{HEAD}c,d,2027-04-01,,an order\n{row}\n");
            let refused = DisclosureExemptions::parse(&text);
            assert_eq!(refused, Err(InvalidExemptions { row: 2 }), "{row}");
        }
    }

    #[test]
    fn every_shipped_row_parses() {
        let shipped = include_str!("../data/disclosure_exemptions.csv");
        assert_eq!(DisclosureExemptions::parse(shipped), Ok(DisclosureExemptions::shipped()));
        assert_eq!(shipped.lines().count() - 1, DisclosureExemptions::shipped().rows.len());
    }
}
