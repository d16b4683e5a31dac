//! The partition's process is killed again and again while files come in, at random moments of each
//! step: of each file everything is in the register or nothing, a retry completes it, and nothing of
//! it lies about in the clear.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crypto::sha256;
use domain::{IndividualNumber, ServiceKind};
use uuid::Uuid;
use watari::story::desk::Desk;
use wire::imports::{
    self as api, ApproveImport, ImportState, NameImport, OpenImport, Purpose, SendPart, Stage,
};
use wire::records::{FindRecords, PersonRecords, RECORDS_FIND};
use wire::{Base64Bytes, CallError};

use super::processes::Processes;
use crate::support::{Engine, RUNTIME};

const KILLS: usize = 20;
const PERSONS: u32 = 4_000;
const FIRST: u32 = 6_000_000;
const SECRET: &str = "ヒミツノナマエ";
const PAUSE: Duration = Duration::from_millis(100);

#[test]
fn on_sqlite_a_killed_import_is_in_the_register_as_a_whole_or_not_at_all() {
    RUNTIME.block_on(survive(Engine::Sqlite));
}

#[test]
fn on_postgresql_a_killed_import_is_in_the_register_as_a_whole_or_not_at_all() {
    RUNTIME.block_on(survive(Engine::Postgres));
}

/// What is being done with a file, and how long at the most a kill waits after it has begun.
const STEPS: [(&str, u64); 3] = [("sending", 40), ("checking", 700), ("approving", 120)];
const SENDING: usize = 0;
const CHECKING: usize = 1;
const APPROVING: usize = 2;

async fn survive(engine: Engine) {
    let mut processes = Processes::start(engine).await;
    let adachi = processes.cast.adachi.clone();
    let clerk = processes.desk(&adachi.clerk).await;
    let supervisor = processes.desk(&adachi.supervisor).await;
    let (is_over, step) = (AtomicBool::new(false), AtomicUsize::new(SENDING));
    let killing = async {
        // Every step is met again and again, each time at another moment of it.
        for wanted in (0..STEPS.len()).cycle().take(KILLS) {
            while step.load(Ordering::Relaxed) != wanted {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            let (chance, _) = Uuid::new_v4().as_u64_pair();
            let (_, wait_ms) = STEPS[wanted];
            tokio::time::sleep(Duration::from_micros(chance % (wait_ms * 1_000))).await;
            processes.kill_and_start(ServiceKind::Partition).await;
        }
        is_over.store(true, Ordering::Relaxed);
    };
    let importing = async {
        let mut files = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            let first = FIRST + PERSONS * u32::try_from(files.len()).unwrap();
            files.push(first..first + PERSONS);
            bring((&clerk, &supervisor), first..first + PERSONS, &step).await;
        }
        files
    };
    let ((), files) = tokio::join!(killing, importing);
    for serials in files {
        assert_eq!(presence(&clerk, &serials).await, [true, true]);
        let state = prepare(&clerk, Purpose::Compare, &serials, &step).await;
        let api::Counts { new, unchanged, changed, .. } = state.counts;
        assert_eq!([new, unchanged, changed], [0, u64::from(PERSONS), 0]);
    }
    let folder = processes.site().layout.folder().to_owned();
    assert!(!holds(&folder, SECRET));
    if engine == Engine::Sqlite {
        assert!(holds(&folder, "subjects-1"), "the search finds what lies there in the clear");
    }
}

/// Brings one file into the register, however often the partition is killed.
async fn bring((clerk, supervisor): (&Desk, &Desk), serials: Range<u32>, step: &AtomicUsize) {
    let state = prepare(clerk, Purpose::Register, &serials, step).await;
    assert_eq!((state.stage, state.counts.new), (Stage::Checked, u64::from(PERSONS)));
    assert_eq!(presence(clerk, &serials).await, [false, false]);
    let preview = state.preview.unwrap();
    let approval = ApproveImport { import: state.import, preview };
    loop {
        step.store(APPROVING, Ordering::Relaxed);
        let done: Result<ImportState, CallError> =
            supervisor.room(api::IMPORTS_APPROVE, &approval).await;
        // Whatever was answered: all or nothing.
        let [first, last] = presence(clerk, &serials).await;
        assert!(!first || last, "the first person is there and the last is not");
        let [last, first] = presence(clerk, &(serials.end - 1..serials.start + 1)).await;
        assert!(!last || first, "the last person is there and the first is not");
        match done {
            Ok(state) => {
                assert_eq!(state.stage, Stage::Committed);
                return;
            }
            Err(error) => {
                assert!(error.problem().is_none_or(|p| p.status >= 500), "{error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Sends a file and has it checked; what gets lost on the way is sent again.
async fn prepare(
    clerk: &Desk,
    purpose: Purpose,
    serials: &Range<u32>,
    step: &AtomicUsize,
) -> ImportState {
    let (import, file) = (Uuid::new_v4(), file(serials));
    let open = OpenImport {
        import,
        purpose,
        total_bytes: u64::try_from(file.len()).unwrap(),
        sha256: sha256(file.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect(),
        layout: None,
    };
    let named = NameImport { import };
    loop {
        let state: Result<ImportState, CallError> = clerk.room(api::IMPORTS, &open).await;
        let is_sent = state.as_ref().is_ok_and(|state| state.stage != Stage::Uploading);
        step.store(if is_sent { CHECKING } else { SENDING }, Ordering::Relaxed);
        let next: Result<ImportState, CallError> = match state {
            Ok(state) if state.stage == Stage::Uploading => {
                // With all parts here, any of them says so again.
                let part = state.next_part.unwrap_or_default();
                let mut parts = file.as_bytes().chunks(api::PART_BYTES);
                let bytes = parts.nth(usize::try_from(part).unwrap()).unwrap().to_vec();
                let part = SendPart { import, part, bytes: Base64Bytes(bytes) };
                clerk.room(api::IMPORTS_PARTS, &part).await
            }
            Ok(state) if state.stage == Stage::Uploaded => {
                clerk.room(api::IMPORTS_CHECK, &named).await
            }
            Ok(state) if state.stage == Stage::Checking => {
                tokio::time::sleep(PAUSE).await;
                Ok(state)
            }
            Ok(state) => return state,
            Err(error) => Err(error),
        };
        if let Err(error) = next {
            assert!(error.problem().is_none_or(|p| p.status >= 500), "{error}");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Whether the first and the last person of a file are in the register, asked in this order.
async fn presence(clerk: &Desk, serials: &Range<u32>) -> [bool; 2] {
    let mut found = [false; 2];
    for (found, serial) in found.iter_mut().zip([serials.start, serials.end - 1]) {
        let find = FindRecords { address_number: Some(address(serial)), ..FindRecords::default() };
        *found = loop {
            match clerk.room::<PersonRecords>(RECORDS_FIND, &find).await {
                Ok(_) => break true,
                Err(error) if error.problem().is_some_and(|p| p.status == 404) => break false,
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        };
    }
    found
}

fn address(serial: u32) -> String {
    format!("K{serial}")
}

fn file(serials: &Range<u32>) -> String {
    let mut text = interchange::layout::SUBJECTS_1.header() + "\n";
    for serial in serials.clone() {
        let (number, address) = (IndividualNumber::for_test(serial), address(serial));
        // Nobody is like anybody else.
        let kana: String = address.chars().filter_map(|c| c.to_digit(10)).map(kana).collect();
        text.push_str(&format!(
            "{},{address},住民,{SECRET}{kana},1950-04-01,1,,\n",
            number.reveal()
        ));
    }
    text
}

fn kana(digit: u32) -> char {
    "アイウエオカキクケコ".chars().nth(usize::try_from(digit).unwrap()).unwrap()
}

/// Whether any file of the folder has these words.
fn holds(folder: &std::path::Path, words: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, words);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(words.len()).any(|found| found == words.as_bytes())
    })
}
