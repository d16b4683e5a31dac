use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use crate::{Actor, InquiryId, MunicipalityCode, OpContext, OperatorId, TerminalId, WrittenReason};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VaccinationId(pub Uuid);

impl VaccinationId {
    pub fn make_random() -> Self {
        Self(Uuid::now_v7())
    }
}

/// One dose (接種記録).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Vaccination {
    pub status: Status,
    /// 1, 2, 3 … The sources went from two doses to seven; there is no maximum.
    pub dose_number: u16,
    #[serde(with = "iso_date")]
    pub date: Date,
    pub maker: String,
    pub lot: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vaccine_kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<String>,
}

/// What a dose is says something about one person, so it is not printed either.
impl std::fmt::Debug for Vaccination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vaccination(redacted)")
    }
}

/// Longest text field of a dose, in characters (the known ledger layout allows 20 to 30).
pub const FIELD_CHARS_MAX: usize = 60;

impl Vaccination {
    /// Dose number from 1, date not after `today`, fields present and short.
    pub fn check(&self, today: Date) -> Result<(), InvalidVaccination> {
        if self.dose_number == 0 {
            return Err(InvalidVaccination::DoseNumber);
        }
        if self.date > today {
            return Err(InvalidVaccination::FutureDate);
        }
        let optional = [&self.product, &self.vaccine_kind, &self.venue];
        let texts = optional.into_iter().flatten().chain([&self.maker, &self.lot]);
        for text in texts {
            let length = text.chars().count();
            if length == 0 || length > FIELD_CHARS_MAX || text.chars().any(char::is_control) {
                return Err(InvalidVaccination::Text);
            }
        }
        Ok(())
    }
}

/// Why a dose is refused.  Never carries a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVaccination {
    #[error("the dose number begins at 1")]
    DoseNumber,
    #[error("the vaccination date is in the future")]
    FutureDate,
    #[error("maker, lot and other texts have 1 to 60 characters")]
    Text,
}

/// 接種状況: 実施 / 未実施.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    Done,
    NotDone,
}

/// Where a version of a record came from; nothing is overwritten, a correction is a new version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Provenance {
    /// Entered or sent by an operator of the municipality itself.
    Registered { operator: OperatorId, at_unix_s: i64 },
    /// Sent by one of the municipality's own systems.
    Sent { system: TerminalId, at_unix_s: i64 },
    /// A line of a file that two persons let in.
    Imported { import: Uuid, line: u64, at_unix_s: i64 },
    /// Captured at a venue.
    Captured { capture: Uuid, device: TerminalId, at_unix_s: i64 },
    /// Changed by an operator, who says why.
    Corrected { operator: OperatorId, reason: String, at_unix_s: i64 },
    /// Changed by one of the municipality's own systems, which says why.
    SystemCorrected { system: TerminalId, reason: String, at_unix_s: i64 },
    /// A doubtful row that an operator decided on.
    Decided { operator: OperatorId, quarantined: Uuid, at_unix_s: i64 },
    /// Adopted from another municipality's answer.
    Adopted { provider: MunicipalityCode, inquiry: InquiryId, at_unix_s: i64 },
    /// Adopted from another municipality's correction notice.
    Noticed { provider: MunicipalityCode, notice: Uuid, at_unix_s: i64 },
}

/// Whether a version of a dose counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    #[default]
    InForce,
    /// Taken back: it never happened, or not to this person.
    Withdrawn,
}

impl Provenance {
    /// Entered by whoever acts: an operator or one of the municipality's own systems.
    pub fn registered(context: &OpContext) -> Option<Self> {
        let at_unix_s = context.at.unix_timestamp();
        match &context.actor {
            Actor::Operator { id, .. } => {
                Some(Self::Registered { operator: id.clone(), at_unix_s })
            }
            Actor::System { system, .. } => Some(Self::Sent { system: system.clone(), at_unix_s }),
            _ => None,
        }
    }

    /// Changed by whoever acts: an operator or one of the municipality's own systems.
    pub fn corrected(context: &OpContext, reason: &WrittenReason) -> Option<Self> {
        let (reason, at_unix_s) = (reason.as_str().to_owned(), context.at.unix_timestamp());
        match &context.actor {
            Actor::Operator { id, .. } => {
                Some(Self::Corrected { operator: id.clone(), reason, at_unix_s })
            }
            Actor::System { system, .. } => {
                Some(Self::SystemCorrected { system: system.clone(), reason, at_unix_s })
            }
            _ => None,
        }
    }
}

/// Dates as `YYYY-MM-DD`.
pub mod iso_date {
    use serde::{Deserialize as _, Deserializer, Serializer, de};
    use time::Date;
    use time::format_description::well_known::Iso8601;

    pub fn serialize<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        let text = date.format(&Iso8601::DATE).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&text)
    }

    /// The error names the shape, never the text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let text = String::deserialize(deserializer)?;
        Date::parse(&text, &Iso8601::DATE).map_err(|_| de::Error::custom("a date is YYYY-MM-DD"))
    }

    /// The same where a date may be absent.
    pub mod option {
        use serde::{Deserialize, Deserializer, Serializer};
        use time::Date;

        pub fn serialize<S: Serializer>(
            date: &Option<Date>,
            serializer: S,
        ) -> Result<S::Ok, S::Error> {
            match date {
                Some(date) => super::serialize(date, serializer),
                None => serializer.serialize_none(),
            }
        }

        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Date>, D::Error> {
            #[derive(Deserialize)]
            struct Wrapped(#[serde(with = "super")] Date);
            Ok(Option::<Wrapped>::deserialize(deserializer)?.map(|wrapped| wrapped.0))
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    fn dose() -> Vaccination {
        Vaccination {
            status: Status::Done,
            dose_number: 8,
            date: date!(2026 - 04 - 01),
            maker: "ファイザー".to_owned(),
            lot: "EX0001".to_owned(),
            product: None,
            vaccine_kind: None,
            venue: None,
        }
    }

    #[test]
    fn an_eighth_dose_is_a_dose_like_any_other() {
        assert_eq!(dose().check(date!(2026 - 04 - 01)), Ok(()));
    }

    #[test]
    fn impossible_doses_are_refused_with_the_reason() {
        let today = date!(2026 - 04 - 01);
        let cases = [
            (Vaccination { dose_number: 0, ..dose() }, InvalidVaccination::DoseNumber),
            (Vaccination { date: date!(2026 - 04 - 02), ..dose() }, InvalidVaccination::FutureDate),
            (Vaccination { lot: String::new(), ..dose() }, InvalidVaccination::Text),
            (Vaccination { venue: Some("x".repeat(61)), ..dose() }, InvalidVaccination::Text),
        ];
        for (dose, want) in cases {
            assert_eq!(dose.check(today), Err(want));
        }
    }
}
