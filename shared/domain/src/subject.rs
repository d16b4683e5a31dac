use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use crate::{AddressNumber, PersonalText};

/// The handle of a person inside one room: random, meaningless outside it (C007, C008).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubjectId(pub Uuid);

impl SubjectId {
    pub fn make_random() -> Self {
        Self(Uuid::now_v7())
    }
}

/// A person in a municipality's register (接種対象者).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub address_number: AddressNumber,
    pub name: PersonalText,
    pub name_kana: PersonalText,
    pub birth_date: Date,
    pub sex: Sex,
    pub flags: Flags,
}

/// Sex as the card and the ledger write it: 1 male, 2 female, 9 not applicable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Sex {
    Male,
    Female,
    NotApplicable,
}

/// What is set on a person.  The history of each flag is kept by the room's versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Flags {
    /// 自動応答不可フラグ: not answered until people release it; protects persons in danger.
    pub withheld: bool,
    /// 利用停止: the municipality may not use the record any more (C194).
    #[serde(default)]
    pub stopped: bool,
    /// 転出フラグ, with its day.
    #[serde(default, with = "crate::vaccination::iso_date::option")]
    pub moved_out_on: Option<Date>,
    /// 死亡フラグ, with its day.
    #[serde(default, with = "crate::vaccination::iso_date::option")]
    pub died_on: Option<Date>,
}

impl Flags {
    /// Whether inquiries are answered with "nothing".
    pub fn is_silent(&self) -> bool {
        self.withheld || self.stopped
    }
}
