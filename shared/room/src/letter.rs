//! What a notice says: the exact bytes that are committed to, and what opens the commitment.

use crypto::Salt;
use domain::vaccination::Vaccination;
use domain::{IndividualNumber, InquiryId, OperatorId, TerminalId};
use serde::{Deserialize, Serialize};
use service::{ApiError, problems};
use uuid::Uuid;
use wire::Base64Bytes;
use zeroize::{Zeroize as _, Zeroizing};

/// What is sealed to the recipient.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Letter {
    /// JSON: a [`Correction`], or the doses that were released.
    pub content: String,
    pub salt: Base64Bytes,
    /// The one change that all notices of it tell of: it is taken in and passed on once, by whatever
    /// ways it comes.
    pub origin: Uuid,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letter(redacted)")
    }
}

impl Drop for Letter {
    fn drop(&mut self) {
        self.content.zeroize();
        self.salt.0.zeroize();
    }
}

impl Letter {
    pub fn new(content: String, origin: Uuid) -> Result<Self, ApiError> {
        let salt = Base64Bytes(Salt::make_random()?.reveal().to_vec());
        Ok(Self { content, salt, origin })
    }

    /// The commitment of the log entry: to this person and exactly these bytes.
    pub fn commit(&self, number: &IndividualNumber) -> Result<Base64Bytes, ApiError> {
        let salt = Salt::from_bytes(&self.salt.0)?;
        let commitment = crypto::Commitment::new(&salt, number, self.content.as_bytes());
        Ok(Base64Bytes(commitment.as_bytes().to_vec()))
    }

    pub fn write(&self) -> Result<Zeroizing<Vec<u8>>, ApiError> {
        serde_json::to_vec(self).map(Zeroizing::new).map_err(|_| malformed())
    }

    pub fn read(bytes: &[u8]) -> Result<Self, ApiError> {
        serde_json::from_slice(bytes).map_err(|_| malformed())
    }

    /// The content of a notice of the kind `corrected`.
    pub fn correction(&self) -> Result<Correction, ApiError> {
        serde_json::from_str(&self.content).map_err(|_| malformed())
    }

    /// The content of a notice of the kind `released`.
    pub fn doses(&self) -> Result<Vec<Vaccination>, ApiError> {
        serde_json::from_str(&self.content).map_err(|_| malformed())
    }
}

/// What became of a dose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Correction {
    /// The dose as the recipient has received it, once or several times; nothing it has not.
    pub earlier: Vec<Vaccination>,
    /// `None` if it was withdrawn.
    pub after: Option<Vaccination>,
}

impl Correction {
    pub fn write(&self) -> Result<String, ApiError> {
        serde_json::to_string(self).map_err(|_| malformed())
    }
}

/// A letter that waits to be sent, with who caused it and by which inquiries it may go.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outbound {
    pub letter: Letter,
    pub operator: OperatorId,
    pub terminal: TerminalId,
    /// By which the recipient may have received the dose, the newest first.
    pub grounds: Vec<Ground>,
}

/// An inquiry that the recipient had made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ground {
    pub inquiry: InquiryId,
    /// It was answered with "nothing", and two persons released the record later.
    pub released: bool,
}

fn malformed() -> ApiError {
    ApiError::new(&problems::MALFORMED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_comes_back_and_fits_one_person_and_exactly_its_bytes() {
        let letter = Letter::new("[]".to_owned(), Uuid::nil()).unwrap();
        let same = Letter::read(&letter.write().unwrap()).unwrap();
        assert_eq!(same, letter);
        let number = IndividualNumber::for_test(1);
        let commitment = letter.commit(&number).unwrap();
        assert_eq!(same.commit(&number).unwrap(), commitment);
        assert_ne!(same.commit(&IndividualNumber::for_test(2)).unwrap(), commitment);
        let mut other = same.clone();
        other.content.push(' ');
        assert_ne!(other.commit(&number).unwrap(), commitment);
        let salted = Letter::new("[]".to_owned(), Uuid::nil()).unwrap();
        assert_ne!(salted.commit(&number).unwrap(), commitment);
    }
}
