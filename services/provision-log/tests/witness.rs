//! Municipalities watch the log grow, and stop it when it does not only grow.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use crypto::{Purpose, SigningKey};
use domain::{RequestId, ServiceKind};
use ledger::{
    Checkpoint, Cosignature, KeyName, Note, Origin, Signature, Signer, WitnessVerifier, timed_text,
    witness_name,
};
use provision_log::SilencePolicy;
use wire::provision_log::{
    COSIGNATURES, Cosignatures, ENTRIES, OBJECTIONS, Objection, ObjectionHeard, Receipt,
    WITNESS_CHECKPOINT,
};
use wire::{CallError, Client, Problem};
use world::net::Net;
use world::{ORIGIN, code, nothing};

async fn checkpoint(client: &Client) -> Note {
    let note = client.get_text(WITNESS_CHECKPOINT, &RequestId::make_random()).await.unwrap();
    note.parse().unwrap()
}

fn now() -> u64 {
    u64::try_from(domain::Clock::now(&domain::SystemClock).unix_timestamp()).unwrap()
}

fn verifier(code: &str, key: &SigningKey) -> WitnessVerifier {
    let name = witness_name(&Origin::parse(ORIGIN).unwrap(), code).unwrap();
    WitnessVerifier::new(name, key.verifying_key().to_ed25519())
}

fn line(text: &str, code: &str, key: &SigningKey, time: u64) -> Signature {
    let signature = key.sign(Purpose::Cosignature, timed_text(text, time).as_bytes());
    verifier(code, key).line(&Cosignature::new(time, signature.to_bytes()))
}

async fn cosign(client: &Client, text: &str, lines: Vec<Signature>) -> Result<(), Problem> {
    let note = Note::from_parts(text.to_owned(), lines).unwrap().to_string();
    let request = RequestId::make_random();
    let answer = client.post(COSIGNATURES, &request, None, &Cosignatures { note }).await;
    answer.map_err(|error: CallError| error.problem().unwrap().clone())
}

async fn object(
    client: &Client,
    municipality: &str,
    known: &str,
) -> Result<ObjectionHeard, Problem> {
    let objection = Objection { municipality: code(municipality), known: known.to_owned() };
    let answer = client.post(OBJECTIONS, &RequestId::make_random(), None, &objection).await;
    answer.map_err(|error: CallError| error.problem().unwrap().clone())
}

async fn append(client: &Client) -> Result<Receipt, Problem> {
    let answer = client.post(ENTRIES, &RequestId::make_random(), None, &nothing()).await;
    answer.map_err(|error: CallError| error.problem().unwrap().clone())
}

fn signer(net: &Net) -> Signer {
    let key = SigningKey::load(&net.signing_key).unwrap().into_ed25519();
    Signer::new(KeyName::parse(ORIGIN).unwrap(), key)
}

#[tokio::test]
async fn cosignatures_gather_in_a_round_and_all_can_read_them() {
    let net = Net::start().await;
    let (north, east) =
        (net.service(ServiceKind::Partition, "north"), net.service(ServiceKind::Partition, "east"));
    append(&net.service(ServiceKind::Broker, "main")).await.unwrap();
    let held_out = checkpoint(&north).await;
    let text = held_out.text().to_owned();
    assert_eq!(Checkpoint::parse(&text).unwrap().size, 1);
    let own = |code: &'static str| line(&text, code, &net.rooms[code], now());
    cosign(&north, &text, vec![own("072036"), own("472131")]).await.unwrap();
    cosign(&east, &text, vec![own("131211")]).await.unwrap();
    cosign(&east, &text, vec![own("131211")]).await.unwrap();

    let http = net.service(ServiceKind::Registry, "probe");
    let metrics = http.get_text("/metrics", &RequestId::make_random()).await.unwrap();
    assert!(metrics.contains("watari_log_round_witnesses 3"), "{metrics}");
    let left = net.stop().await;
    let kept = left.cosigned().await;
    let [(1, note)] = kept.as_slice() else { panic!("{kept:?}") };
    let note: Note = note.parse().unwrap();
    assert_eq!(note.signatures().len(), 4, "the log's own and three, none twice");
    for (code, key) in &left.rooms {
        assert!(verifier(code, key).verify(&note).unwrap().is_some());
    }
}

#[tokio::test]
async fn only_good_cosignatures_of_ones_own_rooms_count() {
    let net = Net::start_with(|config| config.witness.round_s = 3_600).await;
    let north = net.service(ServiceKind::Partition, "north");
    let text = checkpoint(&north).await.text().to_owned();
    let own = |time| line(&text, "072036", &net.rooms["072036"], time);
    let foreign = line(&text, "131211", &net.rooms["131211"], now());
    let denied = cosign(&north, &text, vec![own(now()), foreign]).await.unwrap_err();
    assert_eq!(denied.status, 403);
    let other_key = SigningKey::make_random().unwrap();
    let mut broken = own(now());
    *broken.bytes.last_mut().unwrap() ^= 1;
    for bad in [
        line(&text, "072036", &other_key, now()),
        line("log.example/provision\n9\nAAAA\n", "072036", &net.rooms["072036"], now()),
        own(now() - 400),
        own(now() + 400),
        broken,
    ] {
        let refused = cosign(&north, &text, vec![bad]).await.unwrap_err();
        assert_eq!((refused.status, refused.field.as_deref()), (400, Some("note")));
    }
    assert_eq!(checkpoint(&north).await.signatures().len(), 1, "nothing was added");
    let bad = line(&text, "472131", &other_key, now());
    cosign(&north, &text, vec![bad, own(now())]).await.unwrap();
    assert_eq!(checkpoint(&north).await.signatures().len(), 2, "the good one was");

    let other = text.replace('0', "1");
    let stale = line(&other, "072036", &net.rooms["072036"], now());
    let over = cosign(&north, &other, vec![stale]).await.unwrap_err();
    assert_eq!((over.code.as_str(), over.status), ("round-over", 409));
    let broker = net.service(ServiceKind::Broker, "main");
    assert_eq!(cosign(&broker, &text, vec![own(now())]).await.unwrap_err().status, 403);
    net.stop().await;
}

#[tokio::test]
async fn an_objection_stops_the_log_only_if_the_log_had_signed_it() {
    let net = Net::start().await;
    let (north, broker) =
        (net.service(ServiceKind::Partition, "north"), net.service(ServiceKind::Broker, "main"));
    let known: Vec<String> = [
        append(&broker).await.unwrap().checkpoint,
        append(&broker).await.unwrap().checkpoint,
        checkpoint(&north).await.to_string(),
    ]
    .into();
    for known in &known {
        assert!(!object(&north, "072036", known).await.unwrap().sustained);
    }
    let origin = Origin::parse(ORIGIN).unwrap();
    let root = ledger::leaf_hash(b"another face");
    let lost = Checkpoint { origin: origin.clone(), size: 3, root };
    let foreign_key = SigningKey::make_random().unwrap().into_ed25519();
    let foreign = Signer::new(KeyName::parse(ORIGIN).unwrap(), foreign_key);
    let forged = object(&north, "072036", &lost.sign(&foreign).to_string()).await.unwrap_err();
    assert_eq!((forged.status, forged.field.as_deref()), (400, Some("known")));
    let note = lost.sign(&signer(&net)).to_string();
    assert_eq!(object(&north, "131211", &note).await.unwrap_err().status, 403);
    append(&broker).await.unwrap();

    let rewritten = Checkpoint { size: 2, ..lost };
    for face in [rewritten.sign(&signer(&net)).to_string(), note] {
        assert!(object(&north, "072036", &face).await.unwrap().sustained);
        let stopped = append(&broker).await.unwrap_err();
        assert_eq!((stopped.code.as_str(), stopped.status), ("log-diverged", 503));
    }
    let ready = broker.get_text("/readyz", &RequestId::make_random()).await;
    assert!(ready.is_err());
    let left = net.stop().await;
    let refused = left.start_again().await.unwrap_err().to_string();
    assert!(refused.contains("watari log reconcile"), "{refused}");
}

#[tokio::test]
async fn by_policy_nothing_is_taken_in_before_witnesses_have_seen_the_start() {
    let net = Net::start_with(|config| {
        config.witness.policy = SilencePolicy::Stop;
        config.witness.quorum = 2;
        config.witness.round_s = 3_600;
        config.witness.silent_s_max = 3;
    })
    .await;
    let (north, broker) =
        (net.service(ServiceKind::Partition, "north"), net.service(ServiceKind::Broker, "main"));
    let text = checkpoint(&north).await.text().to_owned();
    for code in ["072036", "472131"] {
        let refused = append(&broker).await.unwrap_err();
        assert_eq!((refused.code.as_str(), refused.status), ("log-unwitnessed", 503));
        assert!(broker.get_text("/readyz", &RequestId::make_random()).await.is_err());
        cosign(&north, &text, vec![line(&text, code, &net.rooms[code], now())]).await.unwrap();
    }
    append(&broker).await.unwrap();
    assert!(broker.get_text("/readyz", &RequestId::make_random()).await.is_ok());
    tokio::time::sleep(std::time::Duration::from_millis(4_100)).await;
    assert_eq!(append(&broker).await.unwrap_err().code, "log-unwitnessed");
    net.stop().await;
}
