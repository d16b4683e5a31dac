use super::*;
use crate::testing::{Log, signer, trust};

/// What the running log answers.
fn proof(log: &Log, sizes: Option<(u64, u64)>) -> Vec<Hash> {
    let Some((old, new)) = sizes else { return Vec::new() };
    let tile = |id, _| log.tiles.get(&id).cloned().ok_or(());
    log.tree.consistency_proof(old, new, tile).unwrap()
}

fn look(memory: &Memory, log: &Log) -> Shown {
    let note = log.cosigned_note(&[]);
    let proof = proof(log, memory.proof_needed(&note, &trust()).unwrap());
    memory.judge(&note, &proof, &trust()).unwrap()
}

fn size(shown: &Shown) -> Option<u64> {
    match shown {
        Shown::Continues(checkpoint) => Some(checkpoint.size),
        _ => None,
    }
}

#[test]
fn what_continues_is_remembered_and_what_is_known_is_not_told_twice() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory { path: folder.path().join("seen") };
    let mut log = Log::of(5, 5);
    assert_eq!(size(&look(&memory, &log)), Some(5));
    assert_eq!(look(&memory, &log), Shown::Same);
    log.grow(300, 7);
    assert_eq!(size(&look(&memory, &log)), Some(305));
    // As after a restart.
    let memory = Memory { path: memory.path };
    assert_eq!(look(&memory, &log), Shown::Same);
}

#[test]
fn an_older_or_another_log_is_a_contradiction_and_changes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory { path: folder.path().join("seen") };
    let old = Log::of(5, 5);
    let mut log = Log::of(9, 9);
    let known = log.cosigned_note(&[]);
    look(&memory, &log);
    let contradicts = |log: &Log| matches!(look(&memory, log), Shown::Contradiction { known: k, .. } if k == known);
    assert!(contradicts(&old));
    let mut other = Log::of(8, 8);
    other.now_unix_ms += 1;
    other.grow(1, 1);
    assert!(contradicts(&other));
    other.grow(20, 1);
    assert!(contradicts(&other));
    log.grow(20, 1);
    assert_eq!(size(&look(&memory, &log)), Some(29));
}

#[test]
fn only_what_the_log_signed_is_looked_at_and_a_lost_memory_is_no_fresh_start() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory { path: folder.path().join("seen") };
    let mut log = Log::of(5, 5);
    log.signers = vec![signer(9)];
    let note = log.cosigned_note(&[]);
    assert!(matches!(memory.judge(&note, &[], &trust()), Err(MemoryError::Note(_))));
    assert!(!memory.path.exists());
    fs::write(&memory.path, "half a no").unwrap();
    let note = Log::of(5, 5).cosigned_note(&[]);
    assert!(matches!(memory.judge(&note, &[], &trust()), Err(MemoryError::Note(_))));
}
