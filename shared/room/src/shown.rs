//! Versions of records as staff and the person read them.

use service::ApiError;
use wire::records::{DoseVersion, SubjectVersion};

use crate::store::broken_row;
use crate::store::subject::Found;
use crate::store::vaccination::Held;

pub fn subject_version(found: &Found) -> Result<SubjectVersion, ApiError> {
    let person = &found.subject;
    let version = number(found.version)?;
    Ok(SubjectVersion {
        subject: found.id.0,
        version,
        etag: format!("\"{}-{version}\"", found.id.0),
        address_number: person.address_number.reveal().to_owned(),
        name: person.name.reveal().to_owned(),
        name_kana: person.name_kana.reveal().to_owned(),
        birth_date: person.birth_date,
        sex: person.sex,
        flags: person.flags,
        source: found.provenance.as_ref().map(Into::into),
    })
}

pub fn dose_version(held: &Held) -> Result<DoseVersion, ApiError> {
    let version = number(held.number)?;
    Ok(DoseVersion {
        vaccination: held.id.0,
        version,
        etag: format!("\"{}-{version}\"", held.id.0),
        standing: held.version.standing,
        dose: held.version.vaccination.clone(),
        source: (&held.version.provenance).into(),
    })
}

/// The number of a version.
pub fn number(version: i32) -> Result<u32, ApiError> {
    u32::try_from(version).map_err(|_| broken_row())
}
