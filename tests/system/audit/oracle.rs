//! The second verifier, in Python (tests/oracle).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use audit::{Kind, Trust};
use serde_json::Value;

use super::copies::{Found, joined};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/oracle");

fn python(script: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg("-B").arg(Path::new(FOLDER).join(script));
    command
}

/// What it says of an export, and whether its exit code says the same.
pub(super) fn verify(export: &Path, trust: &Trust, witnesses: &[PathBuf]) -> (Value, Found) {
    let mut command = python("verify_log.py");
    command.arg(export);
    for key in &trust.log {
        command.arg("--log-key").arg(key.to_string());
    }
    for key in &trust.witnesses {
        command.arg("--witness-key").arg(key.to_string());
    }
    for key in &trust.custodians {
        command.arg("--custodian").arg(key.to_string());
    }
    for file in witnesses {
        command.arg("--witness").arg(file);
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    let said = String::from_utf8_lossy(&stderr);
    let report: Value = serde_json::from_slice(&stdout).unwrap_or_else(|_| panic!("{said}"));
    let is_sound = report["sound"].as_bool().unwrap();
    assert_eq!(status.code(), Some(if is_sound { 0 } else { 1 }), "{said}");
    let number = |finding: &Value, name: &str| finding[name].as_u64().unwrap();
    let findings = report["findings"].as_array().unwrap().iter().map(|finding| {
        let kind: Kind = serde_json::from_value(finding["kind"].clone()).unwrap();
        (kind, number(finding, "fromIndex"), number(finding, "toIndex"))
    });
    let found = joined(findings);
    (report, found)
}

/// Hands a script a question as JSON; it answers `true` or says why not.
pub(super) fn ask(script: &str, question: &Value) -> Result<Value, String> {
    let mut command = python(script);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(question.to_string().as_bytes()).unwrap();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    if status.success() {
        Ok(serde_json::from_slice(&stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&stderr).into_owned())
    }
}

/// It tests itself, with an export of its own making.
#[test]
fn the_second_verifier_passes_its_own_tests() {
    let mut command = Command::new("python3");
    command.args(["-B", "-m", "unittest", "-q", "self_test"]).current_dir(FOLDER);
    let Output { status, stderr, .. } = command.output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
}
