//! Reads the whole provision log from outside and checks it against what it signed.

use std::time::{Duration, Instant};

use domain::{RequestId, ServiceKind};
use ledger::{Checkpoint, Origin, Tree, Verifier, leaf_hash};
use wire::Client;
use wire::provision_log::{
    Act, CHECKPOINT, IndexedEntry, LIST_LIMIT_MAX, LeafBody, ListOutcomes, OUTCOMES_LIST, Outcomes,
};

use super::stage::Stage;

const READ_WAIT_MAX: Duration = Duration::from_secs(10);

fn client(stage: &Stage) -> Client {
    stage.world.site.client("partition", ServiceKind::ProvisionLog).unwrap()
}

/// Every entry: nobody but Koriyama asks on this stage, so its own list is the whole log.
pub(super) async fn entries(stage: &Stage) -> Vec<IndexedEntry> {
    let (log, municipality) = (client(stage), stage.world.cast.koriyama.code);
    let mut entries = Vec::new();
    let mut from = Some(0);
    while let Some(from_index) = from {
        let wanted = ListOutcomes { municipality, from_index, limit: LIST_LIMIT_MAX };
        let page = read_page(&log, &wanted).await;
        entries.extend(page.entries);
        from = page.next_index;
    }
    entries
}

/// A log that has just started does not know yet who may read.
async fn read_page(log: &Client, wanted: &ListOutcomes) -> Outcomes {
    let begun = Instant::now();
    loop {
        match log.post(OUTCOMES_LIST, &RequestId::make_random(), None, wanted).await {
            Ok(page) => return page,
            Err(error) => assert!(begun.elapsed() < READ_WAIT_MAX, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The newest checkpoint, if the log answers right now.
pub(super) async fn note(stage: &Stage) -> Option<String> {
    client(stage).get_text(CHECKPOINT, &RequestId::make_random()).await.ok()
}

pub(super) async fn assert_whole(stage: &Stage) {
    let note = note(stage).await.expect("the log answers");
    assert_continues(stage, &[note]).await;
}

/// The entries are the leaves of every tree that was signed, and of the newest one exactly.
pub(super) async fn assert_continues(stage: &Stage, notes: &[String]) {
    let config = stage.world.site.settings.partition().unwrap();
    let origin = Origin::parse(&config.log_origin).unwrap();
    let verifiers: Vec<Verifier> =
        config.log_verifiers.iter().map(|text| text.parse().unwrap()).collect();
    let mut tree = Tree::new();
    let mut roots = vec![tree.root()];
    for (index, found) in (0..).zip(entries(stage).await) {
        assert_eq!(found.index, index, "no gap, nothing twice");
        let IndexedEntry { logged_at_unix_ms, entry, .. } = found;
        let body = LeafBody { logged_at_unix_ms, act: Act::Outcome(entry) };
        tree.append(leaf_hash(&serde_json::to_vec(&body).unwrap()));
        roots.push(tree.root());
    }
    let newest = note(stage).await.expect("the log answers");
    let open = |note: &String| Checkpoint::open(note, &origin, &verifiers).unwrap();
    assert_eq!((open(&newest).size, open(&newest).root), (tree.size(), tree.root()));
    for signed in notes.iter().map(open) {
        let size = usize::try_from(signed.size).unwrap();
        assert_eq!(roots.get(size), Some(&signed.root), "the log contradicts what it signed");
    }
}
