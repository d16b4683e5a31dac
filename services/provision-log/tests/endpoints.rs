//! Through the real listener: who may do what, and what comes back.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use domain::{InquiryId, RequestId, ServiceKind};
use ledger::{KeyName, Signer, leaf_hash, tile_hashes, verify_inclusion};
use serde_json::{Value, json};
use wire::provision_log::{
    CHECKPOINT, CONSISTENCY, ENTRIES, Entry, FindOutcomes, FoundOutcomes, INCLUSION, ListOutcomes,
    ORDERS, OUTCOMES_FIND, OUTCOMES_LIST, Outcomes, Proof, ProveConsistency, ProveInclusion,
    Receipt, SignedOrder,
};
use wire::{CallError, Client};
use world::net::Net;
use world::{ORIGIN, code, failed, hashes, nothing, provided, read_body, read_note};

async fn append(client: &Client, entry: &Entry) -> Result<Receipt, CallError> {
    client.post(ENTRIES, &RequestId::make_random(), None, entry).await
}

async fn list(
    client: &Client,
    municipality: &str,
    from_index: u64,
    limit: u16,
) -> Result<Outcomes, CallError> {
    let wanted = ListOutcomes { municipality: code(municipality), from_index, limit };
    client.post(OUTCOMES_LIST, &RequestId::make_random(), None, &wanted).await
}

fn status<T>(answer: Result<T, CallError>) -> u16 {
    answer.err().and_then(|error| error.problem().map(|problem| problem.status)).unwrap_or(200)
}

#[tokio::test]
async fn a_receipt_checkpoint_tile_and_proofs_agree() {
    let net = Net::start().await;
    let broker = net.service(ServiceKind::Broker, "main");
    let receipt = append(&broker, &provided(7)).await.unwrap();
    for _ in 0..9 {
        append(&broker, &nothing()).await.unwrap();
    }
    let key = crypto::SigningKey::load(&net.signing_key).unwrap().into_ed25519();
    let verifier = Signer::new(KeyName::parse(ORIGIN).unwrap(), key).verifier().clone();
    let request = RequestId::make_random();
    let partition = net.service(ServiceKind::Partition, "east");
    let note = partition.get_text(CHECKPOINT, &request).await.unwrap();
    let checkpoint = read_note(&note, &verifier);
    assert_eq!(checkpoint.size, 10);

    let leaf = leaf_hash(receipt.entry.as_bytes());
    let wanted = ProveInclusion { index: receipt.index, size: 10 };
    let proof: Proof = partition.post(INCLUSION, &request, None, &wanted).await.unwrap();
    let proof = hashes(&proof.hashes);
    verify_inclusion(leaf, receipt.index, 10, checkpoint.root, &proof).unwrap();
    let wanted = ProveConsistency { old_size: 1, new_size: 10 };
    let proof: Proof = partition.post(CONSISTENCY, &request, None, &wanted).await.unwrap();
    let old = read_note(&receipt.checkpoint, &verifier);
    let proof = hashes(&proof.hashes);
    ledger::verify_consistency(1, old.root, 10, checkpoint.root, &proof).unwrap();

    let http = net.http("broker-main");
    let tile = http.get(format!("{}/tile/0/000.p/10", net.url())).send().await.unwrap();
    let tile = tile_hashes(&tile.bytes().await.unwrap()).unwrap();
    assert_eq!((tile.len(), tile[0]), (10, leaf));
    let beyond = http.get(format!("{}/tile/0/000.p/11", net.url())).send().await.unwrap();
    assert_eq!(beyond.status(), 404);

    let metrics = broker.get_text("/metrics", &request).await.unwrap();
    assert!(metrics.contains(r#"watari_log_entries_total{outcome="nothing"} 9"#), "{metrics}");
    assert!(metrics.contains("watari_log_queue_entries 0"), "{metrics}");
    net.stop().await;
}

#[tokio::test]
async fn only_the_broker_appends() {
    let net = Net::start().await;
    for other in [
        net.service(ServiceKind::Partition, "north"),
        net.service(ServiceKind::Registry, "main"),
        net.service(ServiceKind::ProvisionLog, "other"),
        net.terminal("072036"),
    ] {
        assert_eq!(status(append(&other, &nothing()).await), 403);
        let order = SignedOrder { note: "note".to_owned() };
        let request = RequestId::make_random();
        let refused = status(other.post::<Receipt>(ORDERS, &request, None, &order).await);
        assert!([401, 403].contains(&refused), "{refused}");
    }
    let broker = net.service(ServiceKind::Broker, "main");
    assert_eq!(append(&broker, &nothing()).await.unwrap().index, 0);
    assert_eq!(status(list(&broker, "131211", 0, 10).await), 403);
    net.stop().await;
}

#[tokio::test]
async fn a_partition_sees_its_own_municipalities_outcomes_only() {
    let net = Net::start().await;
    let broker = net.service(ServiceKind::Broker, "main");
    let uruma = Entry { inquirer: code("472131"), provider: code("072036"), ..failed() };
    let itself = Entry { inquirer: code("131211"), ..failed() };
    for entry in [provided(1), uruma, nothing(), itself, nothing()] {
        append(&broker, &entry).await.unwrap();
    }
    let indexes = |outcomes: &Outcomes| -> Vec<u64> {
        outcomes.entries.iter().map(|one| one.index).collect()
    };
    let north = net.service(ServiceKind::Partition, "north");
    let east = net.service(ServiceKind::Partition, "east");
    let koriyama = list(&north, "072036", 0, 1_000).await.unwrap();
    assert_eq!((indexes(&koriyama), koriyama.next_index), (vec![0, 1, 2, 4], None));
    assert_eq!(indexes(&list(&north, "472131", 0, 1_000).await.unwrap()), [1]);
    assert_eq!(indexes(&list(&east, "131211", 0, 1_000).await.unwrap()), [0, 2, 3, 4]);
    let page = list(&east, "131211", 1, 2).await.unwrap();
    assert_eq!((indexes(&page), page.next_index), (vec![2, 3], Some(4)));

    assert_eq!(status(list(&east, "072036", 0, 10).await), 403);
    assert_eq!(status(list(&north, "131211", 0, 10).await), 403);
    assert_eq!(status(list(&north, "092037", 0, 10).await), 403, "in nobody's room");
    assert_eq!(status(list(&net.terminal("131211"), "131211", 0, 10).await), 403);
    for limit in [0, 1_001] {
        assert_eq!(status(list(&east, "131211", 0, limit).await), 400);
    }
    net.stop().await;
}

#[tokio::test]
async fn a_partition_finds_how_its_own_inquiries_were_settled_with_proofs() {
    let net = Net::start().await;
    let broker = net.service(ServiceKind::Broker, "main");
    let uruma = Entry { inquirer: code("472131"), provider: code("072036"), ..nothing() };
    let elsewhere = Entry { provider: code("472131"), ..nothing() };
    let entries = [provided(1), uruma, failed(), elsewhere, nothing()];
    for entry in &entries {
        append(&broker, entry).await.unwrap();
    }
    let inquiries: Vec<InquiryId> = entries.iter().map(|entry| entry.inquiry).rev().collect();
    let north = net.service(ServiceKind::Partition, "north");
    let east = net.service(ServiceKind::Partition, "east");
    let find = async |host: &str, municipality: &str, inquiries: Vec<InquiryId>| {
        let partition = if host == "north" { &north } else { &east };
        let wanted = FindOutcomes { municipality: code(municipality), inquiries };
        let request = RequestId::make_random();
        partition.post::<FoundOutcomes>(OUTCOMES_FIND, &request, None, &wanted).await
    };
    let key = crypto::SigningKey::load(&net.signing_key).unwrap().into_ed25519();
    let verifier = Signer::new(KeyName::parse(ORIGIN).unwrap(), key).verifier().clone();
    for (host, municipality, indexes) in [
        ("north", "072036", vec![0, 1, 3, 4]),
        ("north", "472131", vec![1, 3]),
        ("east", "131211", vec![0, 4]),
    ] {
        let found = find(host, municipality, inquiries.clone()).await.unwrap().receipts;
        assert_eq!(found.iter().map(|one| one.index).collect::<Vec<_>>(), indexes);
        for Receipt { entry, index, checkpoint, proof } in found {
            let signed = read_note(&checkpoint, &verifier);
            let leaf = leaf_hash(entry.as_bytes());
            verify_inclusion(leaf, index, signed.size, signed.root, &hashes(&proof)).unwrap();
            assert_eq!(read_body(&entry), entries[usize::try_from(index).unwrap()]);
        }
    }
    assert_eq!(find("east", "131211", Vec::new()).await.unwrap().receipts, []);
    assert_eq!(status(find("east", "072036", inquiries.clone()).await), 403);
    assert_eq!(status(find("north", "131211", inquiries).await), 403);
    let many = (0..101).map(|_| InquiryId::make_random()).collect();
    assert_eq!(status(find("east", "131211", many).await), 400);
    net.stop().await;
}

#[tokio::test]
async fn a_wrong_entry_is_named_by_its_field() {
    let net = Net::start().await;
    let broker = net.service(ServiceKind::Broker, "main");
    let sound = serde_json::to_value(provided(7)).unwrap();
    let with = |field: &str, value: Value| {
        let mut entry = sound.clone();
        entry[field] = value;
        entry
    };
    for (field, entry) in [
        ("inquirer", with("inquirer", json!("131212"))),
        ("operator", with("operator", json!("a b"))),
        ("items", with("items", json!("Vaccination"))),
        ("commitment", with("commitment", json!("AAAA"))),
        ("reason", with("reason", json!("tooMany"))),
    ] {
        let answer: Result<Receipt, CallError> =
            broker.post(ENTRIES, &RequestId::make_random(), None, &entry).await;
        let error = answer.unwrap_err();
        let problem = error.problem().unwrap();
        assert_eq!((problem.status, problem.field.as_deref()), (400, Some(field)));
    }
    net.stop().await;
}

#[tokio::test]
async fn whoever_was_answered_before_the_stop_is_in_the_log() {
    let net = Net::start().await;
    let broker = net.service(ServiceKind::Broker, "main");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..60 {
        let broker = broker.clone();
        tasks.spawn(async move { append(&broker, &nothing()).await });
    }
    let first = tasks.join_next().await.unwrap().unwrap().unwrap();
    let left = net.stop().await;
    let bodies = left.bodies().await;
    assert_eq!(first.entry.as_bytes(), bodies[usize::try_from(first.index).unwrap()]);
    for receipt in tasks.join_all().await.iter().flatten() {
        assert_eq!(receipt.entry.as_bytes(), bodies[usize::try_from(receipt.index).unwrap()]);
    }
}
