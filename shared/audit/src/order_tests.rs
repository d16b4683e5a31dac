//! Orders: what custodians signed is read back, and nothing else.

use domain::retention::Segment;
use ed25519_dalek::SigningKey;
use ledger::{Signer, leaf_hash};
use proptest::prelude::*;
use time::macros::date;

use super::*;

fn signer(name: &str, seed: u8) -> Signer {
    Signer::new(KeyName::parse(name).unwrap(), SigningKey::from_bytes(&[seed; 32]))
}

fn custodians() -> [Signer; 3] {
    [signer("custodian/a", 1), signer("custodian/b", 2), signer("custodian/c", 3)]
}

fn verifiers() -> Vec<Verifier> {
    custodians().iter().map(|signer| signer.verifier().clone()).collect()
}

fn origin() -> Origin {
    Origin::parse("log.example/provision").unwrap()
}

fn order(order: OrderAct) -> Order {
    let id = "018f4e9a-0000-7000-8000-000000000001".parse().unwrap();
    Order { id, issued_at_unix_ms: 1_795_201_783_123, order }
}

fn hold() -> Order {
    let scope = Scope::Range(IndexRange { from_index: 3, to_index: 9 });
    order(OrderAct::Hold(Hold { scope, reason: "court order".to_owned() }))
}

fn destroy() -> Order {
    order(OrderAct::Destroy(Destroy {
        segment: Segment::try_from(202611).unwrap(),
        ranges: vec![(0, 5), (7, 9)],
        held: vec![3],
        bodies: 6,
        digest: leaf_hash(b""),
        kept_through: date!(2033 - 11 - 30),
        years: 7,
    }))
}

fn sign(text: String, signers: &[Signer]) -> String {
    let mut note = Note::from_parts(text, Vec::new()).unwrap();
    signers.iter().for_each(|signer| note.add_signature(signer));
    note.to_string()
}

fn open(note: &str) -> Result<OpenedOrder, OrderError> {
    Order::open(note, &origin(), &verifiers())
}

#[test]
fn the_text_is_the_one_of_the_format() {
    let text = |order: Order| order.note_text(&origin());
    let start = "log.example/provision\n{\"id\":\"018f4e9a-0000-7000-8000-000000000001\",\
                 \"issuedAtUnixMs\":1795201783123,\"order\":";
    let hold_json = "{\"hold\":{\"scope\":{\"range\":{\"fromIndex\":3,\"toIndex\":9}},\
                     \"reason\":\"court order\"}}}\n";
    assert_eq!(text(hold()), format!("{start}{hold_json}"));
    let slip = "{\"destroy\":{\"segment\":202611,\"ranges\":[[0,5],[7,9]],\"held\":[3],\"bodies\":6,\
                \"digest\":\"bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\",\
                \"keptThrough\":\"2033-11-30\",\"years\":7}}}\n";
    assert_eq!(text(destroy()), format!("{start}{slip}"));
    let lift = order(OrderAct::LiftHold(LiftHold { hold: hold().id }));
    let lift_json = "{\"liftHold\":{\"hold\":\"018f4e9a-0000-7000-8000-000000000001\"}}}\n";
    assert_eq!(text(lift), format!("{start}{lift_json}"));
    for (scope, json) in [
        (
            Scope::Municipality(MunicipalityCode::parse("131211").unwrap()),
            "{\"municipality\":\"131211\"}",
        ),
        (Scope::Entries(vec![1, 7]), "{\"entries\":[1,7]}"),
    ] {
        assert_eq!(serde_json::to_string(&scope).unwrap(), json);
    }
}

#[test]
fn an_order_is_opened_with_everybody_who_signed_it() {
    let opened = open(&sign(destroy().note_text(&origin()), &custodians()[..2])).unwrap();
    assert_eq!(opened.order, destroy());
    let names: Vec<&str> = opened.signed_by.iter().map(KeyName::as_str).collect();
    assert_eq!(names, ["custodian/a", "custodian/b"]);
    assert!(opened.has_enough_signatures());
    let one = open(&sign(destroy().note_text(&origin()), &custodians()[..1])).unwrap();
    assert!(!one.has_enough_signatures());
    assert!(
        open(&sign(hold().note_text(&origin()), &custodians()[..1]))
            .unwrap()
            .has_enough_signatures()
    );
}

#[test]
fn one_person_counts_once_whatever_the_line_says() {
    let text = destroy().note_text(&origin());
    let signers = [signer("custodian/a", 1), signer("custodian/a", 9), signer("custodian/d", 9)];
    let verifiers = signers.each_ref().map(|signer| signer.verifier().clone());
    let opened = Order::open(&sign(text.clone(), &signers), &origin(), &verifiers).unwrap();
    assert_eq!(opened.signed_by.len(), 1, "two keys of one name, two names of one key");

    let same = signer("custodian/a", 1);
    let twice = sign(text, &[signer("custodian/a", 1), same]);
    assert_eq!(open(&twice), Err(OrderError::Note(NoteError::RepeatedKey)));
}

#[test]
fn what_nobody_signed_is_no_order() {
    let strangers = sign(hold().note_text(&origin()), &[signer("stranger", 4)]);
    assert_eq!(open(&strangers), Err(OrderError::Note(NoteError::UnknownKeys)));
    let changed = sign(hold().note_text(&origin()), &custodians()[..2]).replace("court", "Court");
    assert_eq!(open(&changed), Err(OrderError::Note(NoteError::WrongSignature)));
    assert_eq!(open(""), Err(OrderError::Note(NoteError::Malformed)));
    assert_eq!(
        Order::open(&strangers, &origin(), &[]),
        Err(OrderError::Note(NoteError::UnknownKeys))
    );
}

#[test]
fn an_order_for_another_log_or_of_another_shape_is_refused() {
    let signed = |text: String| open(&sign(text, &custodians()[..2]));
    let other = Origin::parse("log.example/other").unwrap();
    assert_eq!(signed(hold().note_text(&other)), Err(OrderError::WrongOrigin));
    let text = hold().note_text(&origin());
    for wrong in [
        "log.example/provision\n".to_owned(),
        format!("{text}more\n"),
        text.replace("\"reason\"", "\"because\""),
        text.replace("\"id\"", "\"by\":\"x\",\"id\""),
        text.replace("\"hold\":", "\"destroy\":"),
        destroy().note_text(&origin()).replace("202611", "202613"),
        destroy().note_text(&origin()).replace("11-30", "11-31"),
        destroy().note_text(&origin()).replace("[0,5]", "[0,5,6]"),
        destroy().note_text(&origin()).replace("\"bodies\":6", "\"bodies\":-6"),
        format!("{}\n12\n{}\n", origin(), leaf_hash(b"")),
    ] {
        assert_eq!(signed(wrong.clone()), Err(OrderError::NotAnOrder), "{wrong}");
    }
}

proptest! {
    #[test]
    fn every_reason_survives(reason in ".{0,60}|[\u{0}-\u{20}\"\\\\]{0,20}") {
        let scope = Scope::Entries(vec![]);
        let order = order(OrderAct::Hold(Hold { scope, reason }));
        let note = sign(order.note_text(&origin()), &custodians()[..1]);
        prop_assert_eq!(open(&note).unwrap().order, order);
    }

    #[test]
    fn no_signed_text_makes_the_reader_panic(json in "[\\[\\]{}\":,a-z0-9 ]{0,60}") {
        let _ = open(&sign(format!("{}\n{json}\n", origin()), &custodians()[..1]));
    }
}
