//! Cosignatures: what the convention spells out, and nothing else, is believed.

use base64::{Engine, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::*;
use crate::{
    checkpoint::Checkpoint,
    hash::leaf_hash,
    key::{Signer, Verifier},
};

const NAME: &str = "log.example/provision";
const TIME: u64 = 1_795_201_783;

fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

fn origin() -> Origin {
    Origin::parse(NAME).unwrap()
}

fn witness(code: &str, seed: u8) -> WitnessVerifier {
    WitnessVerifier::new(witness_name(&origin(), code).unwrap(), key(seed).verifying_key())
}

fn cosign(note: &Note, seed: u8, time: u64) -> Cosignature {
    Cosignature::new(time, key(seed).sign(&cosignature_message(note.text(), time)).to_bytes())
}

fn log_signer() -> Signer {
    Signer::new(KeyName::parse(NAME).unwrap(), key(1))
}

fn signed() -> Note {
    let checkpoint = Checkpoint { origin: origin(), size: 20, root: leaf_hash(b"root") };
    checkpoint.sign(&log_signer())
}

fn cosigned() -> Note {
    let mut note = signed();
    assert!(note.add_line(witness("131211", 2).line(&cosign(&note, 2, TIME))));
    note
}

#[test]
fn a_cosignature_is_read_back_beside_the_logs_own_signature() {
    let note: Note = cosigned().to_string().parse().unwrap();
    let found = witness("131211", 2).verify(&note).unwrap().unwrap();
    assert_eq!(found, cosign(&note, 2, TIME));
    assert_eq!(note.verify(&[log_signer().verifier().clone()]).map(|by| by.len()), Ok(1));
}

#[test]
fn the_line_is_what_the_convention_spells_out() {
    let name = "log.example/provision/witness/131211";
    let text = format!("{NAME}\n20\n{}\n", STANDARD.encode(leaf_hash(b"root").as_bytes()));
    let message = format!("cosignature/v1\ntime {TIME}\n{text}");
    let public = key(2).verifying_key();
    let id = Sha256::digest([name.as_bytes(), b"\n\x04", public.as_bytes()].concat());
    let line = [&id[..4], &TIME.to_be_bytes(), &key(2).sign(message.as_bytes()).to_bytes()];
    let line = format!("— {name} {}\n", STANDARD.encode(line.concat()));
    assert!(cosigned().to_string().ends_with(&line));
    assert_eq!(cosignature_message(&text, TIME), message.as_bytes());
    assert_eq!(message, format!("cosignature/v1\n{}", timed_text(&text, TIME)));
}

#[test]
fn a_line_of_another_house_is_read() {
    let note = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
         — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note: Note = note.parse().unwrap();
    let [line] = note.signatures() else { panic!("one line") };
    let cosignature = Cosignature::parse(&line.bytes).unwrap();
    assert_eq!(cosignature.time_unix_s, 1_679_315_147);
    // Nobody was told that witness's key; under any other the line is a stranger's.
    assert_eq!(witness("131211", 2).verify(&note), Ok(None));
}

#[test]
fn a_verifier_key_is_read_back_and_is_not_a_logs() {
    let text = witness("131211", 2).to_string();
    assert_eq!(text.parse(), Ok(witness("131211", 2)));
    assert_eq!(text.parse::<Verifier>(), Err(InvalidKey::UnknownType));
    let log = log_signer().verifier().to_string();
    assert_eq!(log.parse::<WitnessVerifier>(), Err(InvalidKey::UnknownType));
    let other = text.replace("131211", "072036");
    assert_eq!(other.parse::<WitnessVerifier>(), Err(InvalidKey::WrongHash));
}

#[test]
fn a_wrong_line_is_an_error_and_no_line_is_none() {
    let note = signed();
    let adachi = witness("131211", 2);
    assert_eq!(adachi.verify(&note), Ok(None));
    assert_eq!(witness("072036", 2).verify(&cosigned()), Ok(None));
    assert_eq!(witness("131211", 3).verify(&cosigned()), Ok(None));

    let later = Cosignature { time_unix_s: TIME + 1, ..cosign(&note, 2, TIME) };
    let strangers = cosign(&note, 3, TIME);
    let too_late = cosign(&note, 2, TIME_MAX + 1);
    for wrong in [later, strangers, too_late] {
        let mut note = note.clone();
        note.add_line(adachi.line(&wrong));
        assert_eq!(adachi.verify(&note), Err(NoteError::WrongSignature));
    }
    let mut cut = note.clone();
    let mut line = adachi.line(&cosign(&note, 2, TIME));
    line.bytes.pop();
    cut.add_line(line);
    assert_eq!(adachi.verify(&cut), Err(NoteError::WrongSignature));
}

#[test]
fn a_signature_of_the_text_alone_is_no_cosignature() {
    let note = signed();
    let plain = key(2).sign(note.text().as_bytes()).to_bytes();
    let mut note = note.clone();
    note.add_line(witness("131211", 2).line(&Cosignature::new(TIME, plain)));
    assert_eq!(witness("131211", 2).verify(&note), Err(NoteError::WrongSignature));
}

#[test]
fn lines_are_merged_once_for_each_key() {
    let mut note = cosigned();
    let adachi = witness("131211", 2);
    assert!(!note.add_line(adachi.line(&cosign(&note, 2, TIME))));
    assert!(!note.add_line(adachi.line(&cosign(&note, 2, TIME + 5))));
    assert!(note.add_line(witness("072036", 3).line(&cosign(&note, 3, TIME))));
    assert_eq!(note.signatures().len(), 3);

    let twice = vec![adachi.line(&cosign(&note, 2, TIME)); 2];
    let twice = Note::from_parts(note.text().to_owned(), twice).unwrap();
    assert_eq!(adachi.verify(&twice), Err(NoteError::RepeatedKey));
}

#[test]
fn a_text_that_could_not_be_read_back_makes_no_note() {
    for text in ["", "a", "a\tb\n", "a\0\n"] {
        assert_eq!(Note::from_parts(text.to_owned(), Vec::new()), Err(NoteError::Malformed));
    }
    let lines = vec![witness("131211", 2).line(&cosign(&signed(), 2, TIME)); 2_049];
    let note = Note::from_parts("a\n".to_owned(), lines);
    assert_eq!(note, Err(NoteError::TooManySignatures));
}

#[test]
fn a_name_that_breaks_a_line_is_no_witness() {
    assert!(witness_name(&origin(), "13 12").is_err());
    assert!(witness_name(&Origin::parse("a log").unwrap(), "131211").is_err());
}

proptest! {
    #[test]
    fn only_the_cosigned_text_and_time_verify(at in 0..32_000usize, to: u8, time in 0..=TIME_MAX) {
        let note = signed();
        let cosignature = cosign(&note, 2, time);
        let mut cosigned = note.clone();
        cosigned.add_line(witness("131211", 2).line(&cosignature));
        prop_assert_eq!(witness("131211", 2).verify(&cosigned), Ok(Some(cosignature)));

        let mut bytes = note.text().as_bytes().to_vec();
        let at = at % bytes.len();
        bytes[at] = to;
        let changed = bytes != note.text().as_bytes();
        if let Ok(Ok(other)) = String::from_utf8(bytes).map(|text| Note::from_parts(text, cosigned.signatures().to_vec())) {
            prop_assert_eq!(witness("131211", 2).verify(&other).is_err(), changed);
        }
    }
}
