//! An entry on its way into the log: checked, and then in the exact bytes it will keep.

use std::sync::Arc;

use domain::inquiry::is_law_code;
use domain::retention::japanese_day;
use ledger::{Hash, leaf_hash};
use service::ApiError;
use time::OffsetDateTime;
use uuid::Uuid;
use wire::provision_log::{Act, Entry, SignedOrder};

const COMMITMENT_BYTES: usize = 32;
/// So that an export can write a body's length in two bytes.
const BODY_BYTES_MAX: usize = 65_535;

/// By what an entry is found again without its body.
pub(crate) type Digest = [u8; 16];

/// The digest of an id; it stays when the id itself is destroyed with the body.
///
/// It begins like an id that begins with its time (version 7) and goes on with the id's SHA-256:
/// what is near in time stays near in the index, or each new entry would touch a page of its own.
pub(crate) fn digest(id: Uuid) -> Digest {
    const TIME_BYTES: usize = 6;
    let hash = crypto::sha256(id.as_bytes());
    let time = id.as_bytes().iter().take(if id.get_version_num() == 7 { TIME_BYTES } else { 0 });
    let mut digest = Digest::default();
    digest.iter_mut().zip(time.chain(&hash)).for_each(|(to, from)| *to = *from);
    digest
}

#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) act: Act,
    /// The act's JSON, as it will stand in the body.
    text: String,
    /// Of the permit, or of the order.
    pub(crate) permit: Digest,
    /// Of the inquiry this settles: there is one such entry for an inquiry, ever.
    pub(crate) settled: Option<Digest>,
}

/// The bytes that are stored, hashed and handed back.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) text: Arc<str>,
    pub(crate) hash: Hash,
}

impl Candidate {
    /// Checks what the types of the entry do not say; names the wrong field.
    pub(crate) fn outcome(entry: Entry) -> Result<Self, ApiError> {
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
        let has_commitment = match &entry.commitment {
            Some(commitment) if commitment.0.len() == COMMITMENT_BYTES => true,
            Some(_) => return Err(ApiError::field("commitment")),
            None => false,
        };
        if entry.outcome.provides() != has_commitment {
            return Err(ApiError::field("commitment"));
        }
        if entry.outcome.has_reason() != entry.reason.is_some() {
            return Err(ApiError::field("reason"));
        }
        if OffsetDateTime::from_unix_timestamp(entry.asked_at_unix_s).is_err() {
            return Err(ApiError::field("askedAtUnixS"));
        }
        if japanese_day(entry.decided_at_unix_ms).is_none() {
            return Err(ApiError::field("decidedAtUnixMs"));
        }
        let settled = entry.outcome.settles().then(|| digest(entry.inquiry.0));
        Self::new(Act::Outcome(entry), digest(permit), settled)
    }

    /// An order that has been opened; its id stands in the log once.
    pub(crate) fn order(id: Uuid, order: SignedOrder) -> Result<Self, ApiError> {
        let candidate = Self::new(Act::Order(order), digest(id), None)?;
        let bytes = candidate.leaf(i64::MIN).text.len();
        if bytes <= BODY_BYTES_MAX { Ok(candidate) } else { Err(ApiError::field("note")) }
    }

    fn new(act: Act, permit: Digest, settled: Option<Digest>) -> Result<Self, ApiError> {
        let text = serde_json::to_string(&act);
        let text = text.map_err(|e| ApiError::caused(&service::problems::INTERNAL, e))?;
        Ok(Self { act, text, permit, settled })
    }

    /// The entry's body as a `LeafBody` is written, without writing the act a second time.
    pub(crate) fn leaf(&self, logged_at_unix_ms: i64) -> Leaf {
        let text = format!(r#"{{"loggedAtUnixMs":{logged_at_unix_ms},"act":{}}}"#, self.text);
        Leaf { hash: leaf_hash(text.as_bytes()), text: text.into() }
    }
}

/// Only the one spelling, so that a permit's text and its key in the table mean the same.
fn permit_id(entry: &Entry) -> Option<Uuid> {
    let id = Uuid::parse_str(&entry.permit).ok()?;
    (id.hyphenated().to_string() == entry.permit).then_some(id)
}

#[cfg(test)]
mod tests {
    use domain::{InquiryId, MunicipalityCode, OperatorId, Outcome, Reason, TerminalId};
    use wire::Base64Bytes;
    use wire::provision_log::LeafBody;

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
        Candidate::outcome(entry).err().map(|error| error.problem("").field.unwrap())
    }

    #[test]
    fn a_sound_entry_is_taken_in_its_own_bytes() {
        let entry = provided();
        let candidate = Candidate::outcome(entry.clone()).unwrap();
        assert_eq!(candidate.settled, Some(digest(entry.inquiry.0)));
        let leaf = candidate.leaf(-7);
        let body = LeafBody { logged_at_unix_ms: -7, act: Act::Outcome(entry) };
        assert_eq!(serde_json::to_string(&body).unwrap(), *leaf.text);
        assert_eq!(leaf.hash, leaf_hash(leaf.text.as_bytes()));
    }

    #[test]
    fn a_digest_keeps_the_time_of_an_id_and_nothing_else() {
        let (timed, random) = (Uuid::now_v7(), Uuid::from_bytes([0x4a; 16]));
        assert_eq!(digest(timed)[..6], timed.as_bytes()[..6]);
        assert_eq!(digest(timed)[6..], crypto::sha256(timed.as_bytes())[..10]);
        assert_eq!(digest(random)[..], crypto::sha256(random.as_bytes())[..16]);
    }

    #[test]
    fn what_comes_after_an_end_settles_nothing_and_commits() {
        for outcome in [Outcome::Corrected, Outcome::Released] {
            let candidate = Candidate::outcome(Entry { outcome, ..provided() }).unwrap();
            assert_eq!(candidate.settled, None);
            let bare = Entry { outcome, commitment: None, ..provided() };
            assert!(Candidate::outcome(bare).is_err());
        }
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
}
