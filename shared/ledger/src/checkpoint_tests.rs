//! Signed checkpoints: what is written is read, and nothing else.

use ed25519_dalek::{Signer as _, SigningKey};
use proptest::prelude::*;

use super::*;
use crate::{
    EMPTY_ROOT, leaf_hash,
    name::KeyName,
    note::{NOTE_BYTES_MAX, SIGNATURES_MAX},
};

const NAME: &str = "log.example/provision";

fn signer(name: &str, seed: u8) -> Signer {
    Signer::new(KeyName::parse(name).unwrap(), SigningKey::from_bytes(&[seed; 32]))
}

fn origin() -> Origin {
    Origin::parse(NAME).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: origin(), size: 20, root: leaf_hash(b"root") }
}

fn open(note: &str) -> Result<Checkpoint, NoteError> {
    Checkpoint::open(note, &origin(), &[signer(NAME, 1).verifier().clone()])
}

fn signed() -> String {
    checkpoint().sign(&signer(NAME, 1)).to_string()
}

/// A note with any text, as a careless log would sign it.
fn sign_text(text: &str) -> String {
    Note::sign(text.to_owned(), &signer(NAME, 1)).to_string()
}

#[test]
fn a_signed_checkpoint_is_read_back() {
    assert_eq!(open(&signed()), Ok(checkpoint()));
    let empty = Checkpoint { size: 0, root: EMPTY_ROOT, ..checkpoint() };
    assert_eq!(open(&empty.sign(&signer(NAME, 1)).to_string()), Ok(empty));
}

#[test]
fn the_note_is_what_the_specifications_spell_out() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let key = SigningKey::from_bytes(&[1; 32]);
    let text = format!("{NAME}\n20\n{}\n", STANDARD.encode(leaf_hash(b"root").as_bytes()));
    let mut line = signer(NAME, 1).verifier().id().as_bytes().to_vec();
    line.extend_from_slice(&key.sign(text.as_bytes()).to_bytes());
    assert_eq!(signed(), format!("{text}\n— {NAME} {}\n", STANDARD.encode(line)));
}

#[test]
fn a_checkpoint_of_another_house_is_read() {
    let key = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
    let note = "go.sum database tree\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
        — sum.golang.org Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9n\
        To+zyWE+xeMcTOAYQ8=\n";
    let origin = Origin::parse("go.sum database tree").unwrap();
    let found = Checkpoint::open(note, &origin, &[key.parse().unwrap()]).unwrap();
    assert_eq!(found.size, 20_852_163);
    assert_eq!(found.to_text(), note[..note.find("\n\n").unwrap() + 1]);
}

#[test]
fn any_changed_byte_is_refused() {
    let note = signed();
    for place in 0..note.len() {
        let mut bytes = note.clone().into_bytes();
        bytes[place] ^= 0x01;
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(open(&changed).is_err(), "byte {place}");
        }
        if note.is_char_boundary(place) {
            assert!(open(&note[..place]).is_err(), "cut at {place}");
        }
    }
    assert!(open(&format!("{note}\n")).is_err());
    assert!(open(&format!("\n{note}")).is_err());
}

#[test]
fn a_strangers_signature_is_not_enough() {
    for (name, seed) in [(NAME, 2), ("log.example/other", 1)] {
        let note = checkpoint().sign(&signer(name, seed)).to_string();
        assert_eq!(open(&note), Err(NoteError::UnknownKeys));
    }
    let nobody = Checkpoint::open(&signed(), &origin(), &[]);
    assert_eq!(nobody, Err(NoteError::UnknownKeys));
}

#[test]
fn the_same_key_does_not_speak_for_another_log() {
    let other = Origin::parse("log.example/131211").unwrap();
    let note = Checkpoint { origin: other, ..checkpoint() }.sign(&signer(NAME, 1)).to_string();
    assert_eq!(open(&note), Err(NoteError::WrongOrigin));
}

#[test]
fn lines_by_unknown_keys_are_passed_over() {
    let mut note = checkpoint().sign(&signer("witness.example/w", 3));
    note.add_signature(&signer(NAME, 1));
    let timestamped = "— witness.example/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZ\
        CB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
    let note = format!("{note}{timestamped}");
    assert_eq!(open(&note), Ok(checkpoint()));
    let note: Note = note.parse().unwrap();
    assert_eq!(note.signatures().len(), 3);
    assert_eq!(note.signatures()[2].bytes.len(), 72);
}

#[test]
fn each_key_that_signed_is_named() {
    let (old, new) = (signer(NAME, 1), signer(NAME, 2));
    let mut note = checkpoint().sign(&old);
    note.add_signature(&new);
    let verifiers = [new.verifier().clone(), signer("x", 4).verifier().clone()];
    assert_eq!(note.verify(&verifiers), Ok(vec![new.verifier()]));
    let verifiers = [old.verifier().clone(), new.verifier().clone()];
    assert_eq!(note.verify(&verifiers).unwrap().len(), 2);
}

#[test]
fn a_known_key_must_hold_even_beside_another_that_does() {
    let (old, new) = (signer(NAME, 1), signer(NAME, 2));
    let elsewhere = Checkpoint { size: 21, ..checkpoint() }.sign(&new);
    let note = format!("{}{}\n", checkpoint().sign(&old), elsewhere.signatures()[0]);
    let verifiers = [old.verifier().clone(), new.verifier().clone()];
    let found = Checkpoint::open(&note, &origin(), &verifiers);
    assert_eq!(found, Err(NoteError::WrongSignature));
}

#[test]
fn one_key_signs_once() {
    let mut note = checkpoint().sign(&signer(NAME, 1));
    note.add_signature(&signer(NAME, 1));
    assert_eq!(open(&note.to_string()), Err(NoteError::RepeatedKey));
}

#[test]
fn notes_without_measure_are_refused() {
    let line = signed().lines().last().unwrap().replace(NAME, "w").clone();
    let full = format!("{}{}", signed(), format!("{line}\n").repeat(SIGNATURES_MAX - 1));
    assert_eq!(open(&full), Ok(checkpoint()));
    assert_eq!(open(&format!("{full}{line}\n")), Err(NoteError::TooManySignatures));
    let long = "x".repeat(NOTE_BYTES_MAX);
    assert_eq!(open(&format!("{long}{}", signed())), Err(NoteError::TooLong));
}

#[test]
fn broken_notes_are_refused() {
    let note = signed();
    let cases = [
        String::new(),
        "\n\n".to_owned(),
        checkpoint().to_text(),
        format!("{}\n", checkpoint().to_text()),
        note.replace('\n', "\r\n"),
        note.replace("— ", "- "),
        note.replace("— ", "—"),
        note.replace("\n\n", "\n"),
        note.trim_end().to_owned(),
        note.replace(&format!("— {NAME}"), "— a+b"),
        format!("{note}— w\n"),
        format!("{note}— w AAAAAA==\n"),
        format!("{note}— w AAAAAAA\n"),
        format!("{note}text\n"),
    ];
    for case in cases {
        assert_eq!(open(&case), Err(NoteError::Malformed), "{case:?}");
    }
}

#[test]
fn signed_texts_that_are_no_checkpoints_are_refused() {
    let root = EMPTY_ROOT.to_string();
    let bodies = [
        format!("{NAME}\n007\n{root}\n"),
        format!("{NAME}\n00\n{root}\n"),
        format!("{NAME}\n+7\n{root}\n"),
        format!("{NAME}\n-7\n{root}\n"),
        format!("{NAME}\n 7\n{root}\n"),
        format!("{NAME}\n\n{root}\n"),
        format!("{NAME}\n18446744073709551616\n{root}\n"),
        format!("{NAME}\n7\n{}\n", root.trim_end_matches('=')),
        format!("{NAME}\n7\n{}\n", &root[4..]),
        format!("{NAME}\n7\n"),
        format!("\n7\n{root}\n"),
        format!("{NAME}\n7\n{root}\n\nextension\n"),
        format!("{NAME}\n7\n{root}\n{}", "extension\n".repeat(EXTENSION_LINES_MAX + 1)),
    ];
    for body in bodies {
        assert_eq!(open(&sign_text(&body)), Err(NoteError::NotACheckpoint), "{body}");
    }
    assert_eq!(Checkpoint::parse("a\n7\n"), Err(NoteError::NotACheckpoint));
    assert_eq!(Checkpoint::parse(&format!("a\n7\n{root}")), Err(NoteError::NotACheckpoint));
}

#[test]
fn extension_lines_are_signed_but_passed_over() {
    let extensions = "extension\n".repeat(EXTENSION_LINES_MAX);
    let note = sign_text(&format!("{}{extensions}", checkpoint().to_text()));
    assert_eq!(open(&note), Ok(checkpoint()));
    assert_eq!(open(&note.replacen("extension", "Extension", 1)), Err(NoteError::WrongSignature));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_checkpoint_is_read_back(name in "[^\\x00-\\x1f]{1,40}", size: u64, root: [u8; 32]) {
        let origin = Origin::parse(&name).unwrap();
        let written = Checkpoint { origin, size, root: Hash::from(root) };
        prop_assert_eq!(Checkpoint::parse(&written.to_text()), Ok(written.clone()));
        let note = written.sign(&signer(NAME, 1)).to_string();
        let keys = [signer(NAME, 1).verifier().clone()];
        prop_assert_eq!(Checkpoint::open(&note, &written.origin, &keys), Ok(written));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\PC|\n|— ){0,80}") {
        prop_assert!(open(&text).is_err());
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert!(text.starts_with(&checkpoint.to_text()));
        }
    }
}
