//! Law as dated rows: legal bases, procedures and the permission list (照会許可用照合リスト).
//!
//! The sources themselves changed them (Article 19 item 15 became 16; consent was required, then
//! not), so nothing here is a constant of the program.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use time::{Date, OffsetDateTime, UtcOffset, macros::offset};

use crate::municipalities::rows;
use crate::{InquiryHeader, MunicipalityCode};

/// The zone in which Japanese law counts its days.
pub const JST: UtcOffset = offset!(+9);

/// The Japanese calendar day of an instant.
pub fn day_in_japan(at: OffsetDateTime) -> Date {
    at.to_offset(JST).date()
}

#[derive(Clone, Debug, Deserialize)]
pub struct LegalBasis {
    pub code: String,
    pub title: String,
    pub consent_required: bool,
    pub valid_from: Option<Date>,
    pub valid_until: Option<Date>,
    /// Where the row comes from.
    pub source: String,
}

/// The legal basis with this code, whenever it was or is in force.
pub fn legal_basis(code: &str) -> Option<&'static LegalBasis> {
    LEGAL_BASES.get(code)
}

static LEGAL_BASES: LazyLock<BTreeMap<String, LegalBasis>> = LazyLock::new(|| {
    rows(include_str!("../data/legal_bases.csv"))
        .map(|row: LegalBasis| (row.code.clone(), row))
        .collect()
});

pub(crate) fn covers(from: Option<Date>, until: Option<Date>, day: Date) -> bool {
    from.is_none_or(|from| from <= day) && until.is_none_or(|until| day <= until)
}

/// Which inquirer may ask which provider for which items in which procedure on which basis, when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionList {
    rules: Vec<PermissionRule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct PermissionRule {
    inquirer: Party,
    provider: Party,
    procedure: String,
    legal_basis: String,
    items: String,
    valid_from: Option<Date>,
    valid_until: Option<Date>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
enum Party {
    Every,
    One(MunicipalityCode),
}

impl Party {
    fn is(self, code: MunicipalityCode) -> bool {
        match self {
            Self::Every => true,
            Self::One(one) => one == code,
        }
    }
}

impl TryFrom<String> for Party {
    type Error = crate::municipality::InvalidMunicipalityCode;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "*" { Ok(Self::Every) } else { MunicipalityCode::parse(&text).map(Self::One) }
    }
}

/// Most rows a permission list may have: every pair would be three million, rules are few.
pub const PERMISSION_RULES_MAX: usize = 100_000;

/// Why an inquiry is not permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPermitted {
    #[error("the permission list has no row for this inquiry on this day")]
    NotListed,
    #[error("this legal basis needs the person's consent on file")]
    ConsentMissing,
    #[error("the legal basis is not known or not in force on this day")]
    BasisNotInForce,
    #[error("a municipality does not ask itself")]
    AskingItself,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row} of the permission list is not readable")]
pub struct InvalidPermissionList {
    pub row: usize,
}

impl PermissionList {
    /// The list that ships with the program.
    pub fn built_in() -> Self {
        Self { rules: rows(include_str!("../data/permission_list.csv")).collect() }
    }

    /// Reads a CSV file's text; one unreadable row refuses the whole list.
    pub fn parse(text: &str) -> Result<Self, InvalidPermissionList> {
        let mut rules = Vec::new();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for (index, rule) in reader.deserialize().enumerate() {
            let refused = InvalidPermissionList { row: index + 1 };
            if index >= PERMISSION_RULES_MAX {
                return Err(refused);
            }
            rules.push(rule.map_err(|_| refused)?);
        }
        Ok(Self { rules })
    }

    /// Checked twice for each inquiry: at the broker and again at the provider (C066 to C068).
    pub fn check(&self, header: &InquiryHeader, day: Date) -> Result<(), NotPermitted> {
        if header.inquirer == header.provider {
            return Err(NotPermitted::AskingItself);
        }
        let basis = legal_basis(&header.legal_basis)
            .filter(|basis| covers(basis.valid_from, basis.valid_until, day))
            .ok_or(NotPermitted::BasisNotInForce)?;
        if basis.consent_required && !header.confirmation.has_consent() {
            return Err(NotPermitted::ConsentMissing);
        }
        let listed = self.rules.iter().any(|rule| {
            rule.inquirer.is(header.inquirer)
                && rule.provider.is(header.provider)
                && rule.procedure == header.procedure
                && rule.legal_basis == header.legal_basis
                && rule.items == header.items
                && covers(rule.valid_from, rule.valid_until, day)
        });
        if listed { Ok(()) } else { Err(NotPermitted::NotListed) }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;
    use crate::{Confirmation, InquiryId, OperatorId, TerminalId};

    fn header(legal_basis: &str, confirmation: Confirmation) -> InquiryHeader {
        InquiryHeader {
            inquiry: InquiryId::make_random(),
            inquirer: MunicipalityCode::parse("072036").unwrap(),
            provider: MunicipalityCode::parse("131211").unwrap(),
            procedure: "transfer-in".to_owned(),
            legal_basis: legal_basis.to_owned(),
            items: "vaccination".to_owned(),
            confirmation,
            operator: OperatorId::parse("clerk-1").unwrap(),
            terminal: TerminalId::parse("terminal-1").unwrap(),
            asked_at_unix_s: 0,
        }
    }

    #[test]
    fn every_shipped_row_parses() {
        for (file, rows) in [
            (include_str!("../data/legal_bases.csv"), LEGAL_BASES.len()),
            (include_str!("../data/permission_list.csv"), PermissionList::built_in().rules.len()),
        ] {
            assert_eq!(file.lines().count() - 1, rows);
        }
        let file = include_str!("../data/permission_list.csv");
        assert_eq!(PermissionList::parse(file), Ok(PermissionList::built_in()));
    }

    #[test]
    fn the_basis_and_the_consent_rule_change_on_the_day_the_law_did() {
        use Confirmation::{ResidentRegister, ResidentRegisterAndConsent};
        let list = PermissionList::built_in();
        let (before, after) = (date!(2022 - 02 - 14), date!(2022 - 02 - 15));
        let old = header("number-act-19-15", ResidentRegisterAndConsent);
        assert_eq!(list.check(&old, before), Ok(()));
        assert_eq!(list.check(&old, after), Err(NotPermitted::BasisNotInForce));
        let old_without = header("number-act-19-15", ResidentRegister);
        assert_eq!(list.check(&old_without, before), Err(NotPermitted::ConsentMissing));
        let new = header("number-act-19-16", ResidentRegister);
        assert_eq!(list.check(&new, after), Ok(()));
        assert_eq!(list.check(&new, before), Err(NotPermitted::BasisNotInForce));
    }

    #[test]
    fn what_is_not_listed_is_refused() {
        let list = PermissionList::built_in();
        let base = header("number-act-19-16", Confirmation::ResidentRegister);
        let day = date!(2026 - 11 - 20);
        for other in [
            InquiryHeader { procedure: "tax".to_owned(), ..base.clone() },
            InquiryHeader { items: "income".to_owned(), ..base.clone() },
        ] {
            assert_eq!(list.check(&other, day), Err(NotPermitted::NotListed));
        }
        let itself = InquiryHeader { provider: base.inquirer, ..base };
        assert_eq!(list.check(&itself, day), Err(NotPermitted::AskingItself));
    }

    #[test]
    fn one_unreadable_row_refuses_the_whole_list() {
        let text = "inquirer,provider,procedure,legal_basis,items,valid_from,valid_until\n\
                    *,*,transfer-in,number-act-19-16,vaccination,,\n131212,*,a,b,c,,\n";
        assert_eq!(PermissionList::parse(text), Err(InvalidPermissionList { row: 2 }));
    }

    #[test]
    fn a_day_ends_at_midnight_in_japan() {
        assert_eq!(day_in_japan(datetime!(2026-03-31 15:00 UTC)), date!(2026 - 04 - 01));
    }
}
