//! Doses as the municipality's own systems send and read them, many at once, with the names of the
//! national PMH interface.

use domain::subject::Sex;
use domain::vaccination::{Vaccination, iso_date};
use serde::{Deserialize, Serialize};
use time::Date;
use utoipa::ToSchema;

pub const PMH_VACCINATIONS: &str = "/v1/pmh/vaccinations";
pub const PMH_VACCINATIONS_SEARCH: &str = "/v1/pmh/vaccinations/search";

/// Items of one request.
pub const ITEMS_MAX: usize = 1_000;

/// Registers, updates and deletes doses; each item ends by itself, so one that is refused costs
/// nobody else.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendVaccinations {
    /// 1 to 1,000.
    pub vaccinations: Vec<SentVaccination>,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SentVaccination {
    pub modification_seg: ModificationSeg,
    /// 宛名番号.
    pub municipality_identity_key: String,
    /// The version that an update or a deletion follows; absent for a new dose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_key: Option<String>,
    /// Absent for a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub vaccination: Option<Vaccination>,
    /// Why, for an update or a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl std::fmt::Debug for SentVaccination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SentVaccination({:?}, redacted)", self.modification_seg)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ModificationSeg {
    /// Register or update.
    #[serde(rename = "1")]
    Write,
    #[serde(rename = "2")]
    Delete,
}

/// How each item ended, in the order of the request.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VaccinationsSent {
    pub results: Vec<SentResult>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentResult {
    pub result: SentEnd,
    /// The version that counts now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_key: Option<String>,
    /// Why an item was refused: the code of a problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The field that is at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SentEnd {
    Registered,
    Updated,
    Deleted,
    /// It was like this already.
    Unchanged,
    Refused,
}

#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SearchVaccinations {
    /// 宛名番号, of one person.
    pub municipality_identity_key: String,
}

impl std::fmt::Debug for SearchVaccinations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SearchVaccinations(redacted)")
    }
}

/// A person of the register with all doses.  There is no place for the individual number in it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundVaccinations {
    pub municipality_identity_key: String,
    pub basic_five_info: BasicFiveInfo,
    /// 不開示フラグ: inquiries about the person are not answered at once.
    pub is_not_disclosed: bool,
    pub vaccinations: Vec<FoundVaccination>,
}

impl std::fmt::Debug for FoundVaccinations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FoundVaccinations(redacted)")
    }
}

/// Of the five, the register keeps no address.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BasicFiveInfo {
    pub name: String,
    pub name_kana: String,
    #[serde(with = "iso_date")]
    #[schema(value_type = String, format = Date)]
    pub date_of_birth: Date,
    /// `1` male, `2` female, `9` not applicable.
    pub sex: String,
}

impl std::fmt::Debug for BasicFiveInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BasicFiveInfo(redacted)")
    }
}

impl BasicFiveInfo {
    pub fn sex(sex: Sex) -> String {
        match sex {
            Sex::Male => "1",
            Sex::Female => "2",
            Sex::NotApplicable => "9",
        }
        .to_owned()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundVaccination {
    /// To be sent with an update or a deletion of this version.
    pub history_key: String,
    pub is_deleted: bool,
    #[schema(value_type = Object)]
    pub vaccination: Vaccination,
    pub recorded_at_unix_s: i64,
}
