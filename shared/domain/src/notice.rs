use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::inquiry::is_law_code;
use crate::{InquiryId, MunicipalityCode, OperatorId, Outcome, TerminalId};

/// The id of a notice, chosen by its sender; in the provision log it stands where an inquiry's
/// permit does, so it is logged once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoticeId(pub Uuid);

impl NoticeId {
    pub fn make_random() -> Self {
        Self(Uuid::now_v7())
    }
}

impl std::fmt::Display for NoticeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a municipality tells another one after an inquiry has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NoticeKind {
    /// A dose that was received has been corrected or withdrawn.
    Corrected,
    /// Two persons let a withheld record go.
    Released,
}

impl NoticeKind {
    pub const ALL: [Self; 2] = [Self::Corrected, Self::Released];

    pub fn as_str(self) -> &'static str {
        self.outcome().as_str()
    }

    /// How it stands in the provision log.
    pub fn outcome(self) -> Outcome {
        match self {
            Self::Corrected => Outcome::Corrected,
            Self::Released => Outcome::Released,
        }
    }
}

/// Everything about a notice that the broker may see: who tells whom, by which inquiry, when, never
/// about whom.
///
/// Procedure, basis and items are the inquiry's own: what may be told is what could be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NoticeHeader {
    pub notice: NoticeId,
    pub kind: NoticeKind,
    /// The inquiry by which the recipient had asked.
    pub inquiry: InquiryId,
    /// Who asked then, and is told now.
    pub inquirer: MunicipalityCode,
    /// Who was asked then, and tells now.
    pub provider: MunicipalityCode,
    pub procedure: String,
    pub legal_basis: String,
    pub items: String,
    /// Who corrected or released.
    pub operator: OperatorId,
    pub terminal: TerminalId,
    /// When it was asked, as the provision log has it; seconds since 1970, UTC.
    pub asked_at_unix_s: i64,
    pub sent_at_unix_s: i64,
}

impl NoticeHeader {
    /// The bytes that are signed and to which the sealed part is bound: one field a line.
    pub fn to_signed_bytes(&self) -> Vec<u8> {
        let Self { notice, inquiry, inquirer, provider, procedure, legal_basis, items, .. } = self;
        let Self { operator, terminal, asked_at_unix_s, sent_at_unix_s, .. } = self;
        let kind = self.kind.as_str();
        format!(
            "watari notice\n{notice}\n{kind}\n{inquiry}\n{inquirer}\n{provider}\n{procedure}\n\
             {legal_basis}\n{items}\n{operator}\n{terminal}\n{asked_at_unix_s}\n{sent_at_unix_s}\n"
        )
        .into_bytes()
    }

    /// Whether every free field is a code of law, so that no line can be forged.
    pub fn is_well_formed(&self) -> bool {
        [&self.procedure, &self.legal_basis, &self.items].into_iter().all(|text| is_law_code(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_changes_the_signed_bytes() {
        let code = |text| MunicipalityCode::parse(text).unwrap();
        let base = NoticeHeader {
            notice: NoticeId::make_random(),
            kind: NoticeKind::Corrected,
            inquiry: InquiryId::make_random(),
            inquirer: code("072036"),
            provider: code("131211"),
            procedure: "transfer-in".to_owned(),
            legal_basis: "number-act-19-16".to_owned(),
            items: "vaccination".to_owned(),
            operator: OperatorId::parse("clerk-1").unwrap(),
            terminal: TerminalId::parse("terminal-1").unwrap(),
            asked_at_unix_s: 1_790_000_000,
            sent_at_unix_s: 1_790_000_100,
        };
        let changed = [
            NoticeHeader { notice: NoticeId::make_random(), ..base.clone() },
            NoticeHeader { kind: NoticeKind::Released, ..base.clone() },
            NoticeHeader { inquiry: InquiryId::make_random(), ..base.clone() },
            NoticeHeader { inquirer: code("472131"), ..base.clone() },
            NoticeHeader { provider: code("472131"), ..base.clone() },
            NoticeHeader { procedure: "certificate".to_owned(), ..base.clone() },
            NoticeHeader { legal_basis: "number-act-19-15".to_owned(), ..base.clone() },
            NoticeHeader { items: "all".to_owned(), ..base.clone() },
            NoticeHeader { operator: OperatorId::parse("clerk-2").unwrap(), ..base.clone() },
            NoticeHeader { terminal: TerminalId::parse("terminal-2").unwrap(), ..base.clone() },
            NoticeHeader { asked_at_unix_s: 0, ..base.clone() },
            NoticeHeader { sent_at_unix_s: 0, ..base.clone() },
        ];
        for other in changed {
            assert_ne!(other.to_signed_bytes(), base.to_signed_bytes());
        }
        assert!(base.is_well_formed());
        assert!(!NoticeHeader { items: "a\nb".to_owned(), ..base }.is_well_formed());
    }
}
