//! Signed notes: a text, a blank line, and one line per signature (C2SP signed-note).

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    key::{KeyId, Signer, Verifier},
    name::{KeyName, is_forbidden},
};

/// Every one of the 1,741 municipalities may cosign a checkpoint as its witness.
pub const SIGNATURES_MAX: usize = 2048;
/// Room for that many signatures under long names.
pub const NOTE_BYTES_MAX: usize = 1 << 20;

/// A text with the signatures found under it; none of them is checked until `verify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    pub name: KeyName,
    pub key_id: KeyId,
    pub bytes: Vec<u8>,
}

/// Why a note, or the checkpoint in it, is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("the note is too long")]
    TooLong,
    #[error("the note has too many signatures")]
    TooManySignatures,
    #[error("this is not a signed note")]
    Malformed,
    #[error("the note's text is not a checkpoint")]
    NotACheckpoint,
    #[error("the checkpoint is about another log")]
    WrongOrigin,
    #[error("none of the note's signatures is by a known key")]
    UnknownKeys,
    #[error("a known key signed the note more than once")]
    RepeatedKey,
    #[error("a known key's signature does not match the note")]
    WrongSignature,
}

impl Note {
    /// A text and lines made elsewhere; nothing is checked but that the text can stand in a note.
    pub fn from_parts(text: String, signatures: Vec<Signature>) -> Result<Self, NoteError> {
        if signatures.len() > SIGNATURES_MAX {
            return Err(NoteError::TooManySignatures);
        }
        let plain = text.ends_with('\n') && !text.contains(|c| c != '\n' && is_forbidden(c));
        if plain { Ok(Self { text, signatures }) } else { Err(NoteError::Malformed) }
    }

    /// Adds a line, unless this key already has one: a second would make the note unreadable for
    /// those who know the key.  Answers whether it was added.
    pub fn add_line(&mut self, line: Signature) -> bool {
        let has_one = |known: &Signature| known.key_id == line.key_id && known.name == line.name;
        let added = self.signatures.len() < SIGNATURES_MAX && !self.signatures.iter().any(has_one);
        if added {
            self.signatures.push(line);
        }
        added
    }

    /// The one line under this key; a second makes the note unreadable.
    pub(crate) fn line_by(
        &self,
        name: &KeyName,
        key_id: KeyId,
    ) -> Result<Option<&Signature>, NoteError> {
        let mut lines =
            self.signatures.iter().filter(|line| line.key_id == key_id && line.name == *name);
        match (lines.next(), lines.next()) {
            (line, None) => Ok(line),
            (_, Some(_)) => Err(NoteError::RepeatedKey),
        }
    }

    /// The text must end with a newline and hold no other control characters.
    pub(crate) fn sign(text: String, signer: &Signer) -> Self {
        let mut note = Self { text, signatures: Vec::new() };
        note.add_signature(signer);
        note
    }

    /// Signs the text with one more key, as while one key follows another.
    pub fn add_signature(&mut self, signer: &Signer) {
        let verifier = signer.verifier();
        let bytes = signer.sign(&self.text);
        let name = verifier.name().clone();
        self.signatures.push(Signature { name, key_id: verifier.id(), bytes });
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Checks the note and answers who of these signed it: at least one of them.
    ///
    /// Lines by unknown keys are passed over, so that witnesses and new keys can be added; a line
    /// by a known key must hold.
    pub fn verify<'v>(&self, verifiers: &'v [Verifier]) -> Result<Vec<&'v Verifier>, NoteError> {
        let mut signed_by = Vec::new();
        for verifier in verifiers {
            match self.line_by(verifier.name(), verifier.id())? {
                None => {}
                Some(line) if verifier.verifies(&self.text, &line.bytes) => {
                    signed_by.push(verifier);
                }
                Some(_) => return Err(NoteError::WrongSignature),
            }
        }
        if signed_by.is_empty() { Err(NoteError::UnknownKeys) } else { Ok(signed_by) }
    }
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLong);
        }
        if note.contains(|c| c != '\n' && is_forbidden(c)) {
            return Err(NoteError::Malformed);
        }
        // The last blank line ends the text; the text itself may have others.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(NoteError::Malformed)?;
        let lines = lines.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        if lines.split('\n').count() > SIGNATURES_MAX {
            return Err(NoteError::TooManySignatures);
        }
        let signatures = lines.split('\n').map(Signature::parse).collect::<Result<_, _>>()?;
        Ok(Self { text: format!("{text}\n"), signatures })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl Signature {
    fn parse(line: &str) -> Result<Self, NoteError> {
        let rest = line.strip_prefix("\u{2014} ").ok_or(NoteError::Malformed)?;
        let (name, encoded) = rest.split_once(' ').ok_or(NoteError::Malformed)?;
        let name = KeyName::parse(name).map_err(|_| NoteError::Malformed)?;
        let decoded = STANDARD.decode(encoded).map_err(|_| NoteError::Malformed)?;
        match decoded.split_first_chunk() {
            Some((key_id, bytes)) if !bytes.is_empty() => {
                Ok(Self { name, key_id: KeyId::from(*key_id), bytes: bytes.to_vec() })
            }
            _ => Err(NoteError::Malformed),
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.key_id.as_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        write!(f, "\u{2014} {} {}", self.name, STANDARD.encode(bytes))
    }
}
