//! What is doubtful about a row, and what was most likely meant.

use domain::subject::SubjectId;
use domain::vaccination::Vaccination;
use time::Date;

use crate::findings::findings;
use crate::kind::DoubtKind;
use crate::repair::likely_dose;
use crate::rules::Rules;
use crate::voucher::{Neighbour, VoucherState, meant};

/// Whom a dose is said to have been given to.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    pub birth_date: Date,
    pub died_on: Option<Date>,
    pub moved_out_on: Option<Date>,
    /// The person's doses in force.
    pub doses: &'a [Vaccination],
    /// The person's rows of the same file, each of which is looked at beside all others too.  The
    /// dose itself may be among them.
    pub beside: &'a [Vaccination],
    /// Dose numbers of the person's rows of the same file that can't be used.
    pub unread: &'a [u16],
}

impl<'a> Person<'a> {
    /// Every dose that is known, registered or not.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'a Vaccination> {
        self.doses.iter().chain(self.beside)
    }
}

/// One question about a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    pub kind: DoubtKind,
    pub likely: Option<Likely>,
}

/// The right answer, as far as it can be told: the one answer that leaves no doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Likely {
    /// The dose as it was probably given.
    Dose(Vaccination),
    /// The voucher that was probably read.
    Voucher(Neighbour),
    /// The person of the register whom the row is probably about.
    Person(SubjectId),
}

/// Everything that is doubtful about a dose; empty for an ordinary one.
pub fn doubts(
    rules: &Rules,
    dose: &Vaccination,
    person: &Person<'_>,
    voucher: &VoucherState,
    today: Date,
) -> Vec<Doubt> {
    let found = findings(rules, dose, person, today);
    let voucher_doubt = voucher_doubt(&voucher.own(), dose.dose_number);
    if found.is_empty() && voucher_doubt.is_none() {
        return Vec::new();
    }
    let is_other_dose =
        voucher_doubt.as_ref().is_some_and(|doubt| doubt.kind == DoubtKind::VoucherOtherDose);
    let likely = if found.is_empty() && !is_other_dose {
        None
    } else {
        likely_dose(rules, (dose, &found), person, (voucher, today))
    };
    let likely = likely.map(Likely::Dose);
    let of_dose = found.into_iter().map(|kind| Doubt { kind, likely: likely.clone() });
    let of_voucher = voucher_doubt.into_iter().map(|doubt| Doubt {
        likely: if is_other_dose { likely.clone() } else { doubt.likely },
        ..doubt
    });
    of_dose.chain(of_voucher).collect()
}

/// What is doubtful about a voucher alone, where nobody is named (a venue reads nothing else): then
/// a voucher of anybody may have been meant.
pub fn voucher_doubt(voucher: &VoucherState, dose_number: u16) -> Option<Doubt> {
    let doubt = |kind, neighbours: &[Neighbour]| {
        let likely = meant(neighbours, dose_number).cloned().map(Likely::Voucher);
        Some(Doubt { kind, likely })
    };
    match voucher {
        VoucherState::NotGiven => None,
        VoucherState::IssuedToPerson { doses } if doses.contains(&dose_number) => None,
        VoucherState::IssuedToPerson { .. } => doubt(DoubtKind::VoucherOtherDose, &[]),
        VoucherState::IssuedToOther { neighbours } => doubt(DoubtKind::VoucherOfOther, neighbours),
        VoucherState::NeverIssued { neighbours } => {
            doubt(DoubtKind::VoucherNeverIssued, neighbours)
        }
        VoucherState::OtherMunicipality(_) => doubt(DoubtKind::VoucherOfMunicipality, &[]),
    }
}

/// The doubt about a new person who is like others of the register, or of the same file, under
/// another number.
pub fn duplicate(alike: &[SubjectId], is_beside_others: bool) -> Option<Doubt> {
    let likely = match (alike, is_beside_others) {
        ([], false) => return None,
        ([only], false) => Some(Likely::Person(*only)),
        _ => None,
    };
    Some(Doubt { kind: DoubtKind::DuplicatePerson, likely })
}

#[cfg(test)]
#[path = "doubt_tests.rs"]
mod tests;
