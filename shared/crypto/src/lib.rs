//! Keys, sealed cells, blind indexes, signatures and sealed envelopes.
//!
//! Invariant: ciphers, key derivation and random keys are named in no other crate.
//! Invariant: a private key leaves this crate only wrapped (key store) or as a PEM file (services).
//! Invariant: callers say *what* they seal (a [`Cell`], a context), never *how*.
//! Invariant: errors say which kind of thing failed, never which bytes, whose, or where on disk.
//!
//! This crate knows no database, no network, no clock and no wire format but its own.
//!
//! Reading order: `key_store` (where keys live), `room_keys` (what one municipality holds), `cell`,
//! `blind_index`, `signature`, then `envelope` with `answer` and `padding`, and `commitment`.
//!
//! ```
//! use crypto::{Cell, KeyStore, Purpose, open_request, seal_request};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let disk = tempfile::tempdir()?;
//! # let (kek_file, folder) = (disk.path().join("kek"), disk.path().join("rooms"));
//! let adachi = domain::MunicipalityCode::parse("131211")?;
//! let keys = KeyStore::create(&kek_file, &folder)?.make_room(adachi)?;
//!
//! // A value at rest opens only in the cell it was sealed for.
//! let cell = Cell { table: "subject", column: "name", row: b"7", version: 1 };
//! let sealed = keys.seal(&cell, "波足 太郎".as_bytes())?;
//! assert!(keys.open(&Cell { row: b"8", ..cell }, &sealed).is_err());
//!
//! // A request on its way opens only for its addressee; the answer only for the asker.
//! let published = keys.public_keys();
//! let (request, asker) = seal_request(published.sealing_current()?, b"inquiry 1", b"question")?;
//! let (question, source) = open_request(&keys, b"inquiry 1", &request)?;
//! assert_eq!(question.as_slice(), b"question");
//! let answer = source.seal_answer(b"answer")?;
//! assert_eq!(asker.open_answer(&answer)?.as_slice(), b"answer");
//!
//! // A signature counts for one purpose.
//! let signature = keys.sign(Purpose::Inquiry, &request);
//! assert!(published.verify(Purpose::Inquiry, &request, &signature).is_ok());
//! assert!(published.verify(Purpose::Answer, &request, &signature).is_err());
//! # Ok(())
//! # }
//! ```

mod answer;
mod blind_index;
mod cell;
mod cipher;
mod commitment;
mod digest;
mod encoding;
mod envelope;
mod error;
mod files;
mod generations;
mod key_store;
mod padding;
mod random;
mod room_keys;
mod sealing_key;
mod service_key;
mod signature;

pub use self::answer::AnswerKey;
pub use self::blind_index::BlindIndex;
pub use self::cell::Cell;
pub use self::commitment::{Commitment, Salt};
pub use self::digest::{Sha256Stream, sha256};
pub use self::envelope::{
    open_capture, open_notice, open_request, seal_capture, seal_notice, seal_request,
};
pub use self::error::CryptoError;
pub use self::generations::{KeyId, Numbered};
pub use self::key_store::KeyStore;
pub use self::padding::{ANSWER_BYTES_MAX, REQUEST_BYTES_MAX};
pub use self::room_keys::{PublicKeys, RoomKeys};
pub use self::sealing_key::SealingPublicKey;
pub use self::service_key::SigningKey;
pub use self::signature::{Purpose, Signature, VerifyingKey};
