use ledger::Verifier;

use super::*;
use crate::order::{LiftHold, OrderAct};
use crate::testing::{Log, custodian, origin, signer, trust};

struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

#[test]
fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
    let desk = Desk::new();
    let path = desk.put("head", "a longer text than the next");
    replace_file(&path, b"short").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "short");
    assert_eq!(fs::read_dir(desk.0.path()).unwrap().count(), 1);
    append_line(&path, "one").unwrap();
    append_line(&path, "two").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "shortone\ntwo\n");
}

#[test]
fn keys_come_by_value_and_from_files() {
    let desk = Desk::new();
    let [a, b, c] = [1, 2, 3].map(|seed| signer(seed).verifier().to_string());
    let file = desk.put("keys", &format!("{b}\n\n  {c}\n"));
    let keys: Vec<Verifier> = read_keys(&[a.clone(), file.display().to_string()]).unwrap();
    assert_eq!(keys.iter().map(ToString::to_string).collect::<Vec<_>>(), [a, b, c]);
    for wrong in ["nonsense".to_owned(), desk.put("w", "x").display().to_string()] {
        assert!(matches!(read_keys::<Verifier>(&[wrong]), Err(FileError::Key(_))));
    }
}

#[test]
fn a_witness_keeps_a_note_or_a_list_of_notes() {
    let desk = Desk::new();
    let mut log = Log::of(3, 3);
    let first = log.cosigned_note(&["131211"]);
    log.grow(2, 2);
    let second = log.cosigned_note(&["072036"]);
    let line = |size, note| serde_json::json!({"size": size, "note": note}).to_string();
    let list = desk.put("list", &format!("{}\n{}\n", line(3, &first), line(5, &second)));
    let sizes = |path: &Path| {
        read_witnessed(path, &trust()).map(|all| all.iter().map(|one| one.size).collect::<Vec<_>>())
    };
    assert_eq!(sizes(&desk.put("one", &first)).unwrap(), [3]);
    assert_eq!(sizes(&list).unwrap(), [3, 5]);
    let foreign = first.replace(origin().as_str(), "log.example/other");
    assert!(matches!(sizes(&desk.put("foreign", &foreign)), Err(FileError::Note { .. })));
    assert!(matches!(sizes(&desk.0.path().join("nothing")), Err(FileError::Io { .. })));
}

#[test]
fn a_receipt_must_prove_what_it_says() {
    let desk = Desk::new();
    let mut receipt = Log::of(9, 4).receipt(5);
    let path = desk.put("receipt", &serde_json::to_string(&receipt).unwrap());
    assert_eq!(read_receipt(&path, &trust()).unwrap().1.index, 5);
    receipt.index = 6;
    let path = desk.put("receipt", &serde_json::to_string(&receipt).unwrap());
    assert!(matches!(read_receipt(&path, &trust()), Err(FileError::Receipt { .. })));
    let path = desk.put("receipt", "{}");
    assert!(matches!(read_receipt(&path, &trust()), Err(FileError::NoReceipt { .. })));
}

#[test]
fn an_order_is_read_before_and_after_it_is_signed() {
    let desk = Desk::new();
    let act = OrderAct::LiftHold(LiftHold { hold: uuid::Uuid::from_u128(7) });
    let order = Order { id: uuid::Uuid::from_u128(8), issued_at_unix_ms: 9, order: act };
    let draft = desk.put("order", &order.note_text(&origin()));
    let (mut note, read) = read_order(&draft).unwrap();
    assert_eq!((note.signatures().len(), &read), (0, &order));
    for number in [0, 1] {
        note.add_signature(&custodian(number));
        let (again, read) = read_order(&desk.put("signed", &note.to_string())).unwrap();
        assert_eq!((again.signatures().len(), &read), (usize::from(number) + 1, &order));
    }
    let opened = Order::open(&note.to_string(), &origin(), &trust().custodians).unwrap();
    assert!(opened.has_enough_signatures());
    for wrong in ["", "a\n", "a\n{}\n", &signer(1).verifier().to_string()] {
        assert!(matches!(read_order(&desk.put("w", wrong)), Err(FileError::NoOrder { .. })));
    }
}
