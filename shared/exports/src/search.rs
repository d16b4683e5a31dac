//! What a search for immunizations asks, read from the fields of its form.

use domain::{AddressNumber, MunicipalityCode};
use service::{ApiError, FhirForm};
use time::Date;
use time::format_description::well_known::Iso8601;
use wire::fhir::{ADDRESS_NUMBER_SYSTEM, COUNT_MAX};

const PATIENT: &str = "patient.identifier";
const DATE: &str = "date";
const COUNT: &str = "_count";
const FORMAT: &str = "_format";
const COUNT_DEFAULT: usize = 100;
/// A from and an until say everything; a few more do no harm.
const DATES_MAX: usize = 8;

/// One person's doses, perhaps of some days only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    pub(crate) patient: AddressNumber,
    days: Vec<(Relation, Date)>,
    /// At most so many are sent.
    pub(crate) count: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    On,
    From,
    Until,
    After,
    Before,
}

impl Search {
    /// Reads a form.  A field that is not known is refused, unless `Prefer: handling=lenient` asks
    /// for it to be passed over: an unknown filter would otherwise show more than was meant.
    pub(crate) fn read(
        FhirForm(fields): &FhirForm,
        own: MunicipalityCode,
        is_lenient: bool,
    ) -> Result<Self, ApiError> {
        let (mut patient, mut days, mut count) = (None, Vec::new(), None);
        for (name, value) in fields {
            match name.as_str() {
                PATIENT if patient.is_some() => return Err(ApiError::field(PATIENT)),
                PATIENT => patient = Some(read_patient(value, own).ok_or(PATIENT)),
                DATE if days.len() == DATES_MAX => return Err(ApiError::field(DATE)),
                DATE => days.push(read_day(value).ok_or_else(|| ApiError::field(DATE))?),
                COUNT if count.is_some() => return Err(ApiError::field(COUNT)),
                COUNT => count = Some(read_count(value).ok_or_else(|| ApiError::field(COUNT))?),
                FORMAT if is_json(value) => {}
                FORMAT => return Err(ApiError::field(FORMAT)),
                // The name is the caller's, so it is not repeated.
                _ if is_lenient => {}
                _ => return Err(ApiError::new(&service::problems::MALFORMED)),
            }
        }
        let patient = patient.ok_or_else(|| ApiError::field(PATIENT))?;
        let patient = patient.map_err(ApiError::field)?;
        Ok(Self { patient, days, count: count.unwrap_or(COUNT_DEFAULT) })
    }

    /// Whether a dose of this day is asked for.
    pub(crate) fn wants(&self, day: Date) -> bool {
        self.days.iter().all(|(relation, of)| match relation {
            Relation::On => day == *of,
            Relation::From => day >= *of,
            Relation::Until => day <= *of,
            Relation::After => day > *of,
            Relation::Before => day < *of,
        })
    }
}

/// `system|value`, one of them: a comma would mean a second person.
fn read_patient(text: &str, own: MunicipalityCode) -> Option<AddressNumber> {
    let (system, value) = text.split_once('|')?;
    if system.strip_prefix(ADDRESS_NUMBER_SYSTEM)? != own.as_str() {
        return None;
    }
    AddressNumber::parse(&unescape(value)?).ok()
}

/// In a value, comma, bar, dollar and backslash are escaped.
fn unescape(value: &str) -> Option<String> {
    let (mut plain, mut rest) = (String::new(), value.chars());
    while let Some(c) = rest.next() {
        match c {
            '\\' => plain.push(rest.next().filter(|c| matches!(c, '\\' | ',' | '|' | '$'))?),
            ',' | '|' | '$' => return None,
            c => plain.push(c),
        }
    }
    Some(plain)
}

fn read_day(text: &str) -> Option<(Relation, Date)> {
    let prefixes = [
        ("eq", Relation::On),
        ("ge", Relation::From),
        ("le", Relation::Until),
        ("gt", Relation::After),
        ("lt", Relation::Before),
    ];
    let found = prefixes
        .into_iter()
        .find_map(|(prefix, relation)| Some((relation, text.strip_prefix(prefix)?)));
    let (relation, day) = found.unwrap_or((Relation::On, text));
    // One spelling, so that neither a week nor a time of day gets in.
    let has_shape = day.len() == 10 && day.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = has_shape.then(|| Date::parse(day, &Iso8601::DATE).ok())??;
    Some((relation, day))
}

fn read_count(text: &str) -> Option<usize> {
    let is_plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let count: usize = is_plain.then(|| text.parse().ok())??;
    (count <= COUNT_MAX).then_some(count)
}

fn is_json(text: &str) -> bool {
    matches!(text, "json" | "application/json" | "application/fhir+json")
}

#[cfg(test)]
mod tests {
    use time::macros::date;
    use zeroize::Zeroizing;

    use super::*;

    fn read(fields: &[(&str, &str)], is_lenient: bool) -> Result<Search, Option<String>> {
        let own = MunicipalityCode::parse("131211").unwrap();
        let field = |(name, value): &(&str, &str)| {
            ((*name).to_owned(), Zeroizing::new((*value).to_owned()))
        };
        let form = FhirForm(fields.iter().map(field).collect());
        Search::read(&form, own, is_lenient).map_err(|error| error.problem("r").field)
    }

    const ONE: (&str, &str) = (PATIENT, "urn:watari:address-number:131211|000123");

    #[test]
    fn one_person_is_asked_about_by_the_own_number() {
        let search = read(&[ONE], false).unwrap();
        assert_eq!((search.patient.reveal(), search.count), ("000123", COUNT_DEFAULT));
        let escaped = (PATIENT, "urn:watari:address-number:131211|a\\,b\\|c\\\\");
        assert_eq!(read(&[escaped], false).unwrap().patient.reveal(), "a,b|c\\");
    }

    #[test]
    fn more_than_one_person_or_none_is_refused() {
        let refused = Err(Some(PATIENT.to_owned()));
        assert_eq!(read(&[], false), refused);
        assert_eq!(read(&[ONE, ONE], false), refused);
        for value in [
            "000123",
            "|000123",
            "urn:watari:address-number:131211|",
            "urn:watari:address-number:072036|000123",
            "urn:watari:address-number:131211|000123,000124",
            "urn:watari:address-number:131211|1|2",
            "urn:watari:address-number:131211|山",
            "urn:watari:address-number:131211|a\\x",
        ] {
            assert_eq!(read(&[(PATIENT, value)], true), refused, "{value}");
        }
    }

    #[test]
    fn days_bound_the_doses_from_both_sides() {
        let search = read(&[ONE, (DATE, "ge2021-06-01"), (DATE, "lt2021-07-01")], false).unwrap();
        let wanted = |day| search.wants(day);
        assert!(wanted(date!(2021 - 06 - 01)) && wanted(date!(2021 - 06 - 30)));
        assert!(!wanted(date!(2021 - 05 - 31)) && !wanted(date!(2021 - 07 - 01)));
        let on = read(&[ONE, (DATE, "2021-06-01")], false).unwrap();
        assert!(on.wants(date!(2021 - 06 - 01)) && !on.wants(date!(2021 - 06 - 02)));
        for value in ["2021", "ne2021-06-01", "2021-06-01T00:00", "2021-W01-1", "2021-02-30", ""] {
            let refused = read(&[ONE, (DATE, value)], false);
            assert_eq!(refused, Err(Some(DATE.to_owned())), "{value}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_unless_passing_over_is_asked_for() {
        assert_eq!(read(&[ONE, ("lot-number", "A")], false), Err(None));
        assert!(read(&[ONE, ("lot-number", "A")], true).is_ok());
        assert!(read(&[ONE, (FORMAT, "json"), (COUNT, "0")], false).is_ok());
        for (name, value) in [(FORMAT, "xml"), (COUNT, "-1"), (COUNT, "1001"), (COUNT, "")] {
            assert_eq!(read(&[ONE, (name, value)], true), Err(Some(name.to_owned())));
        }
    }
}
