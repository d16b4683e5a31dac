//! An entry on its way into the log: checked, and in the exact bytes it will keep.

use std::sync::Arc;

use domain::Outcome;
use domain::inquiry::is_law_code;
use domain::law::day_in_japan;
use ledger::{Hash, leaf_hash};
use service::ApiError;
use time::OffsetDateTime;
use uuid::Uuid;
use wire::provision_log::Entry;

const COMMITMENT_BYTES: usize = 32;

#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) entry: Entry,
    /// The entry's JSON: the bytes that are stored, hashed and handed back.
    pub(crate) text: Arc<str>,
    pub(crate) leaf: Hash,
    pub(crate) permit: Uuid,
    /// Month of the decision in Japan, as yyyymm.
    pub(crate) segment: i32,
}

impl Candidate {
    /// Checks what the types of the entry do not say; names the wrong field.
    pub(crate) fn check(entry: Entry) -> Result<Self, ApiError> {
        for (name, text) in [
            ("procedure", &entry.procedure),
            ("legalBasis", &entry.legal_basis),
            ("items", &entry.items),
        ] {
            if !is_law_code(text) {
                return Err(ApiError::field(name));
            }
        }
        let permit = permit_id(&entry).ok_or_else(|| ApiError::field("permit"))?;
        let is_provided = entry.outcome == Outcome::Provided;
        let has_commitment = match &entry.commitment {
            Some(commitment) if commitment.0.len() == COMMITMENT_BYTES => true,
            Some(_) => return Err(ApiError::field("commitment")),
            None => false,
        };
        if is_provided != has_commitment {
            return Err(ApiError::field("commitment"));
        }
        if entry.outcome.settles() == entry.reason.is_some() {
            return Err(ApiError::field("reason"));
        }
        if OffsetDateTime::from_unix_timestamp(entry.asked_at_unix_s).is_err() {
            return Err(ApiError::field("askedAtUnixS"));
        }
        let segment = segment(entry.decided_at_unix_ms);
        let segment = segment.ok_or_else(|| ApiError::field("decidedAtUnixMs"))?;
        let text = serde_json::to_string(&entry);
        let text = text.map_err(|e| ApiError::caused(&service::problems::INTERNAL, e))?;
        let leaf = leaf_hash(text.as_bytes());
        Ok(Self { entry, text: text.into(), leaf, permit, segment })
    }

    /// The inquiry this entry settles: there is one such entry for an inquiry, ever.
    pub(crate) fn settled_inquiry(&self) -> Option<Uuid> {
        self.entry.outcome.settles().then_some(self.entry.inquiry.0)
    }
}

/// Only the one spelling, so that a permit's text and its key in the table mean the same.
fn permit_id(entry: &Entry) -> Option<Uuid> {
    let id = Uuid::parse_str(&entry.permit).ok()?;
    (id.hyphenated().to_string() == entry.permit).then_some(id)
}

fn segment(unix_ms: i64) -> Option<i32> {
    let at = OffsetDateTime::from_unix_timestamp(unix_ms.div_euclid(1_000)).ok()?;
    // The last hours of the year 9999 have no day in Japan that could be written.
    at.checked_to_offset(domain::law::JST)?;
    let day = day_in_japan(at);
    Some(day.year() * 100 + i32::from(u8::from(day.month())))
}

#[cfg(test)]
mod tests {
    use domain::{InquiryId, MunicipalityCode, OperatorId, Reason, TerminalId};
    use wire::Base64Bytes;

    use super::*;

    fn provided() -> Entry {
        Entry {
            inquiry: InquiryId::make_random(),
            permit: Uuid::now_v7().to_string(),
            inquirer: MunicipalityCode::parse("072036").unwrap(),
            provider: MunicipalityCode::parse("131211").unwrap(),
            operator: OperatorId::parse("clerk-1").unwrap(),
            terminal: TerminalId::parse("t-1").unwrap(),
            procedure: "transfer-in".to_owned(),
            legal_basis: "number-act-19-16".to_owned(),
            items: "vaccination".to_owned(),
            outcome: Outcome::Provided,
            reason: None,
            commitment: Some(Base64Bytes(vec![7; 32])),
            asked_at_unix_s: 1_790_000_000,
            decided_at_unix_ms: 1_790_000_000_123,
        }
    }

    fn field(change: impl FnOnce(&mut Entry)) -> Option<String> {
        let mut entry = provided();
        change(&mut entry);
        Candidate::check(entry).err().map(|error| error.problem("").field.unwrap())
    }

    #[test]
    fn a_sound_entry_is_taken_in_its_own_bytes() {
        let entry = provided();
        let candidate = Candidate::check(entry.clone()).unwrap();
        assert_eq!(serde_json::from_str::<Entry>(&candidate.text).unwrap(), entry);
        assert_eq!(candidate.leaf, leaf_hash(candidate.text.as_bytes()));
        assert_eq!(candidate.settled_inquiry(), Some(entry.inquiry.0));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        type Change = fn(&mut Entry);
        let cases: [(&str, Change); 14] = [
            ("procedure", |e| e.procedure = "Transfer in".to_owned()),
            ("legalBasis", |e| e.legal_basis = String::new()),
            ("items", |e| e.items = "a\nb".to_owned()),
            ("permit", |e| e.permit = "permit".to_owned()),
            ("permit", |e| e.permit = e.permit.to_uppercase().replace('-', "")),
            ("commitment", |e| e.commitment = None),
            ("commitment", |e| e.commitment = Some(Base64Bytes(vec![7; 31]))),
            ("commitment", |e| e.outcome = Outcome::Nothing),
            ("reason", |e| e.reason = Some(Reason::TooMany)),
            ("reason", |e| (e.outcome, e.commitment) = (Outcome::Refused, None)),
            ("reason", |e| (e.outcome, e.commitment) = (Outcome::Failed, None)),
            ("askedAtUnixS", |e| e.asked_at_unix_s = i64::MAX),
            ("decidedAtUnixMs", |e| e.decided_at_unix_ms = i64::MIN),
            ("decidedAtUnixMs", |e| e.decided_at_unix_ms = 253_402_300_799_999),
        ];
        for (index, (name, change)) in cases.into_iter().enumerate() {
            assert_eq!(field(change).as_deref(), Some(name), "case {index}");
        }
    }

    #[test]
    fn a_segment_is_a_month_in_japan() {
        // 2026-03-31 15:00 UTC is the first of April in Japan.
        assert_eq!(segment(1_774_969_200_000), Some(202_604));
        assert_eq!(segment(1_774_969_199_999), Some(202_603));
    }
}
