use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{MunicipalityCode, OperatorId, TerminalId};

/// The id of an inquiry (照会), chosen by the asker; also its idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InquiryId(pub Uuid);

impl InquiryId {
    pub fn make_random() -> Self {
        Self(Uuid::now_v7())
    }
}

impl std::fmt::Display for InquiryId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// How the asker made sure that the number is the person's own (C077, C078).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Confirmation {
    /// Confirmed against the resident register (住民基本台帳等により確認).
    ResidentRegister,
    /// Confirmed against the resident register, and the person's consent is on file.
    ResidentRegisterAndConsent,
}

impl Confirmation {
    pub fn has_consent(self) -> bool {
        self == Self::ResidentRegisterAndConsent
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResidentRegister => "residentRegister",
            Self::ResidentRegisterAndConsent => "residentRegisterAndConsent",
        }
    }
}

/// Everything about an inquiry that the broker may see: who asks whom, why, when, never about whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InquiryHeader {
    pub inquiry: InquiryId,
    pub inquirer: MunicipalityCode,
    pub provider: MunicipalityCode,
    pub procedure: String,
    pub legal_basis: String,
    pub items: String,
    pub confirmation: Confirmation,
    pub operator: OperatorId,
    pub terminal: TerminalId,
    /// Seconds since 1970, UTC.
    pub asked_at_unix_s: i64,
}

impl InquiryHeader {
    /// The bytes that are signed and to which the sealed part is bound.
    ///
    /// One field a line; no field can hold a line break (codes, ids and law codes are restricted).
    pub fn to_signed_bytes(&self) -> Vec<u8> {
        let Self { inquiry, inquirer, provider, procedure, legal_basis, items, .. } = self;
        let Self { operator, terminal, asked_at_unix_s, .. } = self;
        let confirmation = self.confirmation.as_str();
        format!(
            "watari inquiry\n{inquiry}\n{inquirer}\n{provider}\n{procedure}\n{legal_basis}\n\
             {items}\n{confirmation}\n{operator}\n{terminal}\n{asked_at_unix_s}\n"
        )
        .into_bytes()
    }

    /// Whether every free field is a code of law, so that no line can be forged.
    pub fn is_well_formed(&self) -> bool {
        [&self.procedure, &self.legal_basis, &self.items].into_iter().all(|text| is_law_code(text))
    }

    pub fn asked_at(&self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.asked_at_unix_s).ok()
    }
}

/// Lower-case letters, digits and hyphens, at most 40: how procedures, bases and items are named.
pub fn is_law_code(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= 40 && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> InquiryHeader {
        InquiryHeader {
            inquiry: InquiryId::make_random(),
            inquirer: MunicipalityCode::parse("072036").unwrap(),
            provider: MunicipalityCode::parse("131211").unwrap(),
            procedure: "transfer-in".to_owned(),
            legal_basis: "number-act-19-16".to_owned(),
            items: "vaccination".to_owned(),
            confirmation: Confirmation::ResidentRegister,
            operator: OperatorId::parse("clerk-1").unwrap(),
            terminal: TerminalId::parse("terminal-1").unwrap(),
            asked_at_unix_s: 1_790_000_000,
        }
    }

    #[test]
    fn every_field_changes_the_signed_bytes() {
        let base = header();
        let code = |text| MunicipalityCode::parse(text).unwrap();
        let changed = [
            InquiryHeader { inquiry: InquiryId::make_random(), ..base.clone() },
            InquiryHeader { inquirer: code("472131"), ..base.clone() },
            InquiryHeader { provider: code("472131"), ..base.clone() },
            InquiryHeader { procedure: "certificate".to_owned(), ..base.clone() },
            InquiryHeader { legal_basis: "number-act-19-15".to_owned(), ..base.clone() },
            InquiryHeader { items: "all".to_owned(), ..base.clone() },
            InquiryHeader {
                confirmation: Confirmation::ResidentRegisterAndConsent,
                ..base.clone()
            },
            InquiryHeader { operator: OperatorId::parse("clerk-2").unwrap(), ..base.clone() },
            InquiryHeader { terminal: TerminalId::parse("terminal-2").unwrap(), ..base.clone() },
            InquiryHeader { asked_at_unix_s: 0, ..base.clone() },
        ];
        for other in changed {
            assert_ne!(other.to_signed_bytes(), base.to_signed_bytes());
        }
    }

    #[test]
    fn a_field_with_a_line_break_is_not_well_formed() {
        assert!(header().is_well_formed());
        assert!(!InquiryHeader { items: "a\nb".to_owned(), ..header() }.is_well_formed());
    }
}
