use serde::{Deserialize, Serialize};

/// How an inquiry ended, as the provision log keeps it (情報提供等の記録).
///
/// `Provided` and `Nothing` settle an inquiry: there is one such entry for an inquiry id, ever.
/// `Refused` and `Failed` leave it open; the asker may try again under the same id.
/// `Corrected` and `Released` come after the end, any number of times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    Provided,
    Nothing,
    Refused,
    Failed,
    /// A correction notice reached who had received the record.
    Corrected,
    /// Two persons let a withheld record go.
    Released,
}

impl Outcome {
    pub const ALL: [Self; 6] = [
        Self::Provided,
        Self::Nothing,
        Self::Refused,
        Self::Failed,
        Self::Corrected,
        Self::Released,
    ];

    pub fn settles(self) -> bool {
        matches!(self, Self::Provided | Self::Nothing)
    }

    /// Whether something about a person was handed over, so that the log keeps a commitment.
    pub fn provides(self) -> bool {
        matches!(self, Self::Provided | Self::Corrected | Self::Released)
    }

    /// Whether the entry says why nothing was handed over.
    pub fn has_reason(self) -> bool {
        matches!(self, Self::Refused | Self::Failed)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provided => "provided",
            Self::Nothing => "nothing",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Corrected => "corrected",
            Self::Released => "released",
        }
    }
}

/// Why an inquiry was refused or failed.  A closed list, so nothing personal can slip in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// The permission list does not allow this inquirer, provider, procedure, basis and items.
    NotPermitted,
    /// The inquirer's signature or certificate does not fit the inquiry.
    NotAuthentic,
    /// Too many mismatches or requests by this operator.
    TooMany,
    /// The inquiry is too old or from the future.
    OutOfTime,
    /// The source municipality's partition did not answer, or answered with a failure.
    SourceUnavailable,
    /// The source municipality's partition refused the inquiry.
    SourceRefused,
}

impl Reason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotPermitted => "notPermitted",
            Self::NotAuthentic => "notAuthentic",
            Self::TooMany => "tooMany",
            Self::OutOfTime => "outOfTime",
            Self::SourceUnavailable => "sourceUnavailable",
            Self::SourceRefused => "sourceRefused",
        }
    }
}
