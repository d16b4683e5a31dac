//! Cosignatures: a witness says that it saw a checkpoint continue what it had seen before
//! (C2SP tlog-cosignature, Ed25519).

use std::{fmt, str::FromStr};

use ed25519_dalek::VerifyingKey;

use crate::{
    key::{InvalidKey, KeyId, TYPE_COSIGNATURE, read_key, write_key},
    name::{InvalidName, KeyName, Origin},
    note::{Note, NoteError, Signature},
};

/// The line that keeps a cosignature from passing for anything else its key signs.
const HEADER: &str = "cosignature/v1";
/// The convention's limit, so that others may read the time as a signed number.
const TIME_MAX: u64 = i64::MAX.unsigned_abs();

/// A witness's word about a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cosignature {
    /// When the witness cosigned, by its own clock.
    pub time_unix_s: u64,
    bytes: [u8; 64],
}

/// The public half of a witness's key, under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessVerifier {
    name: KeyName,
    id: KeyId,
    key: VerifyingKey,
}

/// What a witness signs: header, time, and the note's text with its last newline.
#[must_use]
pub fn cosignature_message(text: &str, time_unix_s: u64) -> Vec<u8> {
    format!("{HEADER}\n{}", timed_text(text, time_unix_s)).into_bytes()
}

/// The message without its header, for a signer that puts the header in front itself.
#[must_use]
pub fn timed_text(text: &str, time_unix_s: u64) -> String {
    format!("time {time_unix_s}\n{text}")
}

/// The name under which a municipality is a witness of this log.
pub fn witness_name(origin: &Origin, code: &str) -> Result<KeyName, InvalidName> {
    KeyName::parse(&format!("{origin}/witness/{code}"))
}

impl Cosignature {
    #[must_use]
    pub fn new(time_unix_s: u64, bytes: [u8; 64]) -> Self {
        Self { time_unix_s, bytes }
    }

    fn parse(line: &[u8]) -> Option<Self> {
        let (time, bytes) = line.split_first_chunk()?;
        let time_unix_s = u64::from_be_bytes(*time);
        let bytes = bytes.try_into().ok()?;
        (time_unix_s <= TIME_MAX).then_some(Self { time_unix_s, bytes })
    }
}

impl WitnessVerifier {
    #[must_use]
    pub fn new(name: KeyName, key: VerifyingKey) -> Self {
        Self { id: KeyId::of(&name, TYPE_COSIGNATURE, &key), name, key }
    }

    #[must_use]
    pub fn name(&self) -> &KeyName {
        &self.name
    }

    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The cosignature as a line of a note; whether it holds is not checked.
    #[must_use]
    pub fn line(&self, cosignature: &Cosignature) -> Signature {
        let time = cosignature.time_unix_s.to_be_bytes();
        let bytes = time.into_iter().chain(cosignature.bytes).collect();
        Signature { name: self.name.clone(), key_id: self.id, bytes }
    }

    /// What this witness said about the note's text, if it said anything.
    pub fn verify(&self, note: &Note) -> Result<Option<Cosignature>, NoteError> {
        let Some(line) = note.line_by(&self.name, self.id)? else { return Ok(None) };
        let cosignature = Cosignature::parse(&line.bytes).ok_or(NoteError::WrongSignature)?;
        let message = cosignature_message(note.text(), cosignature.time_unix_s);
        let signature = ed25519_dalek::Signature::from_bytes(&cosignature.bytes);
        match self.key.verify_strict(&message, &signature) {
            Ok(()) => Ok(Some(cosignature)),
            Err(_) => Err(NoteError::WrongSignature),
        }
    }
}

impl fmt::Display for WitnessVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&write_key(&self.name, TYPE_COSIGNATURE, &self.key))
    }
}

impl FromStr for WitnessVerifier {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        read_key(text, TYPE_COSIGNATURE).map(|(name, key)| Self::new(name, key))
    }
}

impl fmt::Debug for Cosignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cosignature(time {})", self.time_unix_s)
    }
}

#[cfg(test)]
#[path = "cosignature_tests.rs"]
mod tests;
