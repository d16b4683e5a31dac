//! What is inside a sealed inquiry and a sealed answer.
//!
//! Inside the question is a second signature, over the number itself: the outer one lets the broker
//! check who asks, the inner one lets the provider prove, later, about whom.

use crypto::{Purpose, RoomKeys, Salt, Signature};
use domain::vaccination::Vaccination;
use domain::{Completeness, IndividualNumber, InquiryHeader};
use serde::{Deserialize, Serialize};
use service::{ApiError, problems};
use wire::Base64Bytes;
use zeroize::{Zeroize as _, Zeroizing};

const NUMBER_BYTES: usize = 12;

/// Number and signature, as bytes to be sealed.
pub fn write_question(
    keys: &RoomKeys,
    header: &InquiryHeader,
    number: &IndividualNumber,
) -> Zeroizing<Vec<u8>> {
    let signature = keys.sign(Purpose::InquiryContent, &signed_content(header, number));
    Zeroizing::new([number.reveal().as_bytes(), &signature.to_bytes()].concat())
}

/// Reads what was sealed and checks that the inquirer itself wrote this number.
pub fn read_question(
    header: &InquiryHeader,
    plain: &[u8],
    has_signed: impl Fn(&[u8], &Signature) -> bool,
) -> Result<IndividualNumber, ApiError> {
    let (digits, signature) = plain.split_at_checked(NUMBER_BYTES).ok_or_else(malformed)?;
    let digits = std::str::from_utf8(digits).map_err(|_| malformed())?;
    let number = IndividualNumber::parse(digits).map_err(|_| malformed())?;
    let signature = Signature::try_from(signature).map_err(|_| malformed())?;
    let is_inquirers = has_signed(&signed_content(header, &number), &signature);
    if is_inquirers { Ok(number) } else { Err(malformed()) }
}

fn signed_content(header: &InquiryHeader, number: &IndividualNumber) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(header.to_signed_bytes());
    bytes.extend_from_slice(number.reveal().as_bytes());
    bytes
}

/// What is provided: doses, what the provider says of how complete its records are, and the salt
/// that opens the log entry's commitment.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    pub vaccinations: Vec<Vaccination>,
    /// Of all its records, not of this person's, so the commitment does without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completeness: Option<Completeness>,
    pub salt: Base64Bytes,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Content(redacted)")
    }
}

impl Content {
    pub fn new(vaccinations: Vec<Vaccination>) -> Result<Self, ApiError> {
        let salt = Salt::make_random()?;
        let salt = Base64Bytes(salt.reveal().to_vec());
        Ok(Self { vaccinations, completeness: None, salt })
    }

    /// The commitment of the log entry: to this person and exactly these doses.
    pub fn commit(&self, number: &IndividualNumber) -> Result<[u8; 32], ApiError> {
        let salt = Salt::from_bytes(&self.salt.0)?;
        let doses = self.doses()?;
        Ok(*crypto::Commitment::new(&salt, number, doses.as_bytes()).as_bytes())
    }

    /// The exact text that is committed to.
    pub fn doses(&self) -> Result<Zeroizing<String>, ApiError> {
        serde_json::to_string(&self.vaccinations).map(Zeroizing::new).map_err(|_| malformed())
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.salt.0.zeroize();
    }
}

/// The answer as it is sealed: `None` for every kind of nothing.
pub fn write_answer(content: Option<&Content>) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    serde_json::to_vec(&content).map(Zeroizing::new).map_err(|_| malformed())
}

pub fn read_answer(plain: &[u8]) -> Result<Option<Content>, ApiError> {
    serde_json::from_slice(plain).map_err(|_| malformed())
}

fn malformed() -> ApiError {
    ApiError::new(&problems::MALFORMED)
}

#[cfg(test)]
mod tests {
    use crypto::KeyStore;
    use domain::{Confirmation, InquiryId, MunicipalityCode, OperatorId, TerminalId};

    use super::*;

    fn room(folder: &tempfile::TempDir, code: &str) -> RoomKeys {
        let (kek, keys) = (folder.path().join("kek"), folder.path().join("keys"));
        let store = if kek.exists() {
            KeyStore::open(&kek, &keys).unwrap()
        } else {
            KeyStore::create(&kek, &keys).unwrap()
        };
        store.make_room(MunicipalityCode::parse(code).unwrap()).unwrap()
    }

    fn read(
        inquirer: &RoomKeys,
        header: &InquiryHeader,
        plain: &[u8],
    ) -> Result<IndividualNumber, ApiError> {
        read_question(header, plain, |content, signature| {
            inquirer.public_keys().verify(Purpose::InquiryContent, content, signature).is_ok()
        })
    }

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
    fn the_number_comes_back_only_with_its_own_header_and_inquirer() {
        let folder = tempfile::tempdir().unwrap();
        let (asker, other) = (room(&folder, "072036"), room(&folder, "472131"));
        let (header, number) = (header(), IndividualNumber::for_test(1));
        let plain = write_question(&asker, &header, &number);
        assert_eq!(read(&asker, &header, &plain).unwrap(), number);
        assert!(read(&other, &header, &plain).is_err());
        let moved = InquiryHeader { inquiry: InquiryId::make_random(), ..header };
        assert!(read(&asker, &moved, &plain).is_err());
    }

    #[test]
    fn another_number_under_the_same_signature_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let asker = room(&folder, "072036");
        let header = header();
        let plain = write_question(&asker, &header, &IndividualNumber::for_test(1));
        let mut forged = IndividualNumber::for_test(2).reveal().as_bytes().to_vec();
        forged.extend_from_slice(&plain[NUMBER_BYTES..]);
        assert!(read(&asker, &header, &forged).is_err());
    }

    #[test]
    fn a_commitment_fits_one_person_and_exactly_these_doses() {
        let content = Content::new(Vec::new()).unwrap();
        let number = IndividualNumber::for_test(1);
        let text = serde_json::to_vec(&content).unwrap();
        let same: Content = serde_json::from_slice(&text).unwrap();
        assert_eq!(same.commit(&number).unwrap(), content.commit(&number).unwrap());
        let other = IndividualNumber::for_test(2);
        assert_ne!(content.commit(&number).unwrap(), content.commit(&other).unwrap());
        let salted = Content::new(Vec::new()).unwrap();
        assert_ne!(content.commit(&number).unwrap(), salted.commit(&number).unwrap());
    }
}
