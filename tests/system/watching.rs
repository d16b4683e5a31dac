//! The rooms watch the log: they witness it, agree with it, and tell residents what it proves.

use std::time::Duration;

use domain::{IndividualNumber, RequestId, ServiceKind};
use ledger::{Checkpoint, Hash, Note, Origin, Verifier, leaf_hash, verify_inclusion};
use wire::WireNumber;
use wire::partition::{
    DISCLOSURES, Disclose, Disclosure, RECONCILIATION_READ, ReadReconciliation, Reconciliation,
};
use wire::provision_log::{Receipt, WITNESS_CHECKPOINT};

use crate::support::{World, clock, dose, fresh_number, on_both, question};

/// Enough for several rounds of witnesses and of comparing.
const PATIENCE: Duration = Duration::from_secs(90);

async fn until(what: &str, check: impl AsyncFn() -> bool) {
    let begun = clock().now();
    while !check().await {
        assert!(clock().now() - begun < PATIENCE, "it does not come to this: {what}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn text(world: &World, service: ServiceKind, path: &str) -> String {
    let client = world.site.client("broker", service).unwrap();
    client.get_text(path, &RequestId::make_random()).await.unwrap()
}

/// As an auditor with nothing but the log's key would.
fn prove(world: &World, receipt: &Receipt) {
    let config = world.site.settings.partition().unwrap();
    let verifiers: Vec<Verifier> =
        config.log_verifiers.iter().map(|text| text.parse().unwrap()).collect();
    let origin = Origin::parse(&config.log_origin).unwrap();
    let Checkpoint { size, root, .. } =
        Checkpoint::open(&receipt.checkpoint, &origin, &verifiers).unwrap();
    let proof: Vec<Hash> =
        receipt.proof.iter().map(|hash| Hash::try_from(hash.0.as_slice()).unwrap()).collect();
    let leaf = leaf_hash(receipt.entry.as_bytes());
    verify_inclusion(leaf, receipt.index, size, root, &proof).unwrap();
}

#[test]
fn a_resident_learns_who_received_the_records() {
    on_both(async |world| {
        let number = fresh_number();
        world.live_in_adachi(number, &[dose(1)]).await;
        world.arrive_in_koriyama(number).await;
        let asked = question(number, world.cast.adachi.code);
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        let answer = clerk.ask(&asked).await.unwrap();
        let supervisor = world.desk(&world.cast.adachi.supervisor).await;
        let individual_number = WireNumber(IndividualNumber::for_test(number));
        let told: Disclosure =
            supervisor.room(DISCLOSURES, &Disclose { individual_number }).await.unwrap();
        let [one] = told.received.try_into().unwrap();
        assert_eq!((one.inquiry, one.inquirer), (asked.inquiry, world.cast.koriyama.code));
        let receipt = one.receipt.unwrap();
        assert_eq!(receipt.index, answer.log_index);
        prove(world, &receipt);
    });
}

#[test]
fn every_room_witnesses_the_log() {
    on_both(async |world| {
        let rooms = world.site.settings.partition().unwrap().municipalities.clone();
        let metrics = service::health::METRICS.path;
        until("all rooms cosign", async || {
            let text = text(world, ServiceKind::Partition, metrics).await;
            let wanted = [
                format!("watari_rooms_cosigned {}\n", rooms.len()),
                "watari_witness_quorum 1\n".to_owned(),
                "watari_log_doubts 0\n".to_owned(),
            ];
            wanted.iter().all(|line| text.contains(line))
        })
        .await;
        until("the log publishes their words", async || {
            let note = text(world, ServiceKind::ProvisionLog, WITNESS_CHECKPOINT).await;
            let note: Note = note.parse().unwrap();
            let names: Vec<&str> =
                note.signatures().iter().map(|line| line.name.as_str()).collect();
            rooms
                .iter()
                .all(|room| names.iter().any(|name| name.ends_with(&format!("/witness/{room}"))))
        })
        .await;
    });
}

#[test]
fn the_rooms_and_the_log_agree() {
    on_both(async |world| {
        let number = fresh_number();
        world.live_in_adachi(number, &[dose(1)]).await;
        world.arrive_in_koriyama(number).await;
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        let answer = clerk.ask(&question(number, world.cast.adachi.code)).await.unwrap();
        for supervisor in [&world.cast.koriyama.supervisor, &world.cast.adachi.supervisor] {
            let desk = world.desk(supervisor).await;
            until("compared", async || {
                let agreed: Reconciliation =
                    desk.room(RECONCILIATION_READ, &ReadReconciliation {}).await.unwrap();
                assert_eq!(agreed.one_sided, []);
                agreed.next_index > answer.log_index
            })
            .await;
        }
    });
}
