//! A ledger takes the file of the register, and hears what its own file says differently.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;
use wire::Base64Bytes;
use wire::imports::{IMPORTS, IMPORTS_CHECK, IMPORTS_PARTS, IMPORTS_READ, Purpose};

use super::door::Door;
use super::exports::whole;
use crate::support::alone_on_both;

const DOSES: &str = wire::exports::EXPORTS_DOSES;

/// What a comparison of this file with the register finds.
async fn compare(door: &Door, file: &[u8]) -> Value {
    checked(door, file, Purpose::Compare).await["counts"].clone()
}

/// Sends a file and waits until it is checked.
pub(super) async fn checked(door: &Door, file: &[u8], purpose: Purpose) -> Value {
    let import = Uuid::new_v4();
    let sha256 = crypto::sha256(file).map(|byte| format!("{byte:02x}")).concat();
    let announced = json!({
        "import": import, "purpose": purpose, "totalBytes": file.len(), "sha256": sha256,
    });
    door.say(IMPORTS, &announced).await.good();
    let part = json!({ "import": import, "part": 0, "bytes": Base64Bytes(file.to_vec()) });
    door.say(IMPORTS_PARTS, &part).await.good();
    let named = json!({ "import": import });
    door.say(IMPORTS_CHECK, &named).await.good();
    for _ in 0..600 {
        let state = door.say(IMPORTS_READ, &named).await.good();
        match state["stage"].as_str().unwrap() {
            "checked" => return state,
            "refused" => panic!("{state}"),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    panic!("not checked in a minute");
}

#[test]
fn the_registers_own_file_differs_in_nothing_and_a_changed_one_in_what_was_changed() {
    alone_on_both(async |world| {
        let door = Door::of(&world, world.cast.uruma.ledger.as_str(), None);
        for (layout, encoding) in [("doses-1", "cp932"), ("doses-ledger", "utf-8-bom")] {
            let wanted = json!({ "layout": layout, "encoding": encoding, "lineEnd": "crlf" });
            let (file, remarks) = whole(&door, DOSES, wanted, 7).await;
            let counts = compare(&door, &file).await;
            let left_out = remarks.len();
            assert!(counts["unchanged"].as_u64().unwrap() > 20, "{layout}: {counts}");
            for end in ["new", "changed", "doubtful", "rejected"] {
                assert_eq!(counts[end], 0, "{layout}: {counts}");
            }
            assert_eq!(counts["missingInFile"], json!(left_out), "{layout}: {counts}");
        }
        let wanted = json!({ "layout": "doses-1", "encoding": "utf-8", "lineEnd": "lf" });
        let (file, _) = whole(&door, DOSES, wanted, 1_000).await;
        let text = String::from_utf8(file).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.remove(2);
        let wrong = lines[3].replace("TEST-", "TSET-");
        lines[3] = &wrong;
        let counts = compare(&door, lines.join("\n").as_bytes()).await;
        assert_eq!((&counts["changed"], &counts["missingInFile"]), (&json!(1), &json!(1)));
        world.house.stop().await;
    });
}
