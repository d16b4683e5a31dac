//! What reaches whom, what is put on record, and what is released.

use crate::world::log::Mood;
use crate::world::source::Manner;
use crate::world::{ADACHI, NOBODY, World, code, problem};
use std::time::Duration;

use broker::Limits;
use crypto::{KeyStore, open_request, seal_request, sha256};
use domain::{MunicipalityCode, Outcome, Reason, RequestId};
use jsonwebtoken::{Algorithm, Validation};
use service::health::METRICS;
use wire::broker::{BrokerInquiry, InquiryPermit};

const QUANTUM_MS: u64 = 25;

fn nothing() -> Manner {
    Manner::Nothing { sealed: vec![2; 1_072] }
}

#[tokio::test]
async fn a_sealed_answer_comes_back_unread_with_its_receipt() {
    let world = World::new().await;
    let inquiry = world.inquiry(ADACHI);
    let answer = world.ask(&inquiry).await.unwrap();
    assert!(answer.routed);
    assert_eq!(answer.sealed.0, vec![1; 1_072]);
    let entries = world.log.entries();
    let kept = format!("\"outcome\":{}", serde_json::to_string(&entries[0]).unwrap());
    assert!(answer.receipt.entry.contains(&kept), "{}", answer.receipt.entry);
    assert_eq!(world.log.ends(), [(Outcome::Provided, None)]);
    assert_eq!(entries[0].commitment, Some(vec![5; 32].into()));
    assert_eq!(entries[0].inquiry, inquiry.header.inquiry);
}

#[tokio::test]
async fn only_the_named_source_is_asked_and_gets_a_permit_for_this_message() {
    let world = World::new().await;
    let inquiry = world.inquiry(ADACHI);
    world.ask(&inquiry).await.unwrap();
    assert!(world.uruma.asked().is_empty());
    let [asked] = world.adachi.asked().try_into().unwrap();
    assert_eq!((&asked.header, &asked.sealed), (&inquiry.header, &inquiry.sealed));

    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[ADACHI]);
    validation.set_issuer(&["watari-broker"]);
    let permit =
        jsonwebtoken::decode::<InquiryPermit>(&asked.permit, &world.permit_verifier(), &validation);
    let permit = permit.unwrap().claims;
    let BrokerInquiry { header, sealed, signature } = &inquiry;
    let message = [BrokerInquiry::signed_bytes(header, &sealed.0), signature.0.clone()].concat();
    assert_eq!(permit.message.0, sha256(&message));
    assert_eq!((permit.inquiry, permit.exp - permit.iat), (header.inquiry, 30));
    assert_eq!(world.log.entries()[0].permit, permit.jti);
}

#[tokio::test]
async fn a_code_that_nobody_has_looks_like_nothing() {
    let world = World::new().await;
    world.adachi.set(nothing());
    let found_nothing = world.ask(&world.inquiry(ADACHI)).await.unwrap();
    let unknown = world.ask(&world.inquiry(NOBODY)).await.unwrap();
    assert!(found_nothing.routed && !unknown.routed);
    assert_eq!(unknown.sealed.0.len(), found_nothing.sealed.0.len());
    assert_eq!(world.log.ends(), [(Outcome::Nothing, None); 2]);
    assert_eq!(world.adachi.asked().len(), 1);
    assert!(world.uruma.asked().is_empty());
}

/// The broker knows the size only by heart; here it is compared with an answer really sealed.
#[tokio::test]
async fn filler_is_exactly_as_long_as_a_small_sealed_answer() {
    let disk = tempfile::tempdir().unwrap();
    let store = KeyStore::create(&disk.path().join("kek"), &disk.path().join("rooms")).unwrap();
    let keys = store.make_room(MunicipalityCode::parse(ADACHI).unwrap()).unwrap();
    let published = keys.public_keys();
    let (request, _) =
        seal_request(published.sealing_current().unwrap(), b"header", b"question").unwrap();
    let (_, source) = open_request(&keys, b"header", &request).unwrap();
    let sealed = source.seal_answer(br#"{"found":false}"#).unwrap();

    let world = World::new().await;
    world.adachi.set(Manner::Nothing { sealed: sealed.clone() });
    let really_sealed = world.ask(&world.inquiry(ADACHI)).await.unwrap();
    let filler = world.ask(&world.inquiry(NOBODY)).await.unwrap();
    assert_eq!(really_sealed.sealed.0, sealed);
    assert_eq!(filler.sealed.0.len(), sealed.len());
    let large = source.seal_answer(&[7; 5_000]).unwrap();
    world.adachi.set(Manner::Provide { sealed: large.clone() });
    assert_eq!(world.ask(&world.inquiry(ADACHI)).await.unwrap().sealed.0, large);
}

#[tokio::test]
async fn every_nothing_waits_for_the_quantum() {
    let world = World::new().await;
    world.adachi.set(nothing());
    let client = world.client("p1");
    for provider in [ADACHI, NOBODY, ADACHI, NOBODY] {
        let inquiry = world.inquiry(provider);
        let begun = std::time::Instant::now();
        let request = RequestId::make_random();
        let answer: wire::broker::BrokerAnswer =
            client.post(wire::broker::INQUIRIES, &request, None, &inquiry).await.unwrap();
        assert_eq!(answer.routed, provider == ADACHI);
        assert!(begun.elapsed().as_millis() >= u128::from(QUANTUM_MS));
    }
}

#[tokio::test]
async fn a_source_that_is_down_is_unavailable_and_never_nothing() {
    let mut world = World::new().await;
    world.adachi.stop().await;
    let told = problem(world.ask(&world.inquiry(ADACHI)).await);
    assert_eq!((told.status, told.code.as_str()), (503, "source-unavailable"));
    assert_eq!(told.owner, wire::Owner::Source);
    assert_eq!(world.log.ends(), [(Outcome::Failed, Some(Reason::SourceUnavailable))]);
    assert!(world.uruma.asked().is_empty());
}

#[tokio::test]
async fn a_source_that_fails_or_answers_strangely_is_unavailable_too() {
    let world = World::new().await;
    let strange = [
        Manner::Fail,
        Manner::Nothing { sealed: Vec::new() },
        Manner::Nothing { sealed: vec![2; 4_144] },
        Manner::Provide { sealed: vec![2; 1_071] },
    ];
    for manner in strange {
        world.adachi.set(manner);
        let told = code(world.ask(&world.inquiry(ADACHI)).await);
        assert_eq!(told, (503, "source-unavailable".to_owned()));
    }
    assert_eq!(world.log.ends(), [(Outcome::Failed, Some(Reason::SourceUnavailable)); 4]);
}

#[tokio::test]
async fn another_partition_at_the_sources_address_is_not_the_source() {
    // The listener is a real partition of ours, but its certificate names p3.
    let world = World::with_adachi_at_uruma().await;
    let told = code(world.ask(&world.inquiry(ADACHI)).await);
    assert_eq!(told, (503, "source-unavailable".to_owned()));
    assert!(world.adachi.asked().is_empty() && world.uruma.asked().is_empty());
}

#[tokio::test]
async fn a_sources_refusal_is_on_record_as_one() {
    let world = World::new().await;
    world.adachi.set(Manner::Refuse);
    let told = code(world.ask(&world.inquiry(ADACHI)).await);
    assert_eq!(told, (403, "source-refused".to_owned()));
    assert_eq!(world.log.ends(), [(Outcome::Refused, Some(Reason::SourceRefused))]);
}

#[tokio::test]
async fn without_the_log_nothing_is_released() {
    let mut world = World::new().await;
    for mood in [Mood::Full, Mood::Lying] {
        world.log.set(mood);
        for provider in [ADACHI, NOBODY] {
            let told = code(world.ask(&world.inquiry(provider)).await);
            assert_eq!(told, (503, "log-unavailable".to_owned()), "{mood:?}");
        }
        let forged = crate::world::signed(
            &crypto::SigningKey::make_random().unwrap(),
            crate::world::header(ADACHI),
        );
        assert_eq!(code(world.ask(&forged).await), (503, "log-unavailable".to_owned()));
    }
    world.log.stop().await;
    let told = code(world.ask(&world.inquiry(ADACHI)).await);
    assert_eq!(told, (503, "log-unavailable".to_owned()));
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    assert!(world.readiness().await.is_err());
}

#[tokio::test]
async fn a_retry_ends_the_same_way_and_is_on_record_once() {
    let world = World::new().await;
    let inquiry = world.inquiry(ADACHI);
    let first = world.ask(&inquiry).await.unwrap();
    let again = world.ask(&inquiry).await.unwrap();
    assert_eq!((first.receipt.index, again.receipt.index), (0, 0));
    assert_eq!(world.log.entries().len(), 1);
}

#[tokio::test]
async fn an_id_that_ended_otherwise_is_a_conflict() {
    let world = World::new().await;
    world.log.set(Mood::Settled);
    let told = code(world.ask(&world.inquiry(ADACHI)).await);
    assert_eq!(told, (409, "already-settled".to_owned()));
}

#[tokio::test]
async fn the_metrics_count_ends_and_name_nobody() {
    let world = World::with(Limits { mismatches_alert_at: 1, ..Limits::default() }).await;
    world.ask(&world.inquiry(NOBODY)).await.unwrap();
    let text = world.client("p1").get_text(METRICS.path, &RequestId::make_random()).await.unwrap();
    assert!(
        text.contains(r#"watari_inquiries_total{outcome="nothing",reason="none"} 1"#),
        "{text}"
    );
    assert!(text.contains("watari_mismatch_alerts_total 1"), "{text}");
    assert!(text.contains("watari_inquiries_in_flight 0"), "{text}");
    assert!(!text.contains("clerk-1") && !text.contains(NOBODY), "{text}");
}

#[tokio::test]
async fn what_has_begun_comes_on_record_even_if_the_asker_hangs_up() {
    let world = World::new().await;
    world.adachi.set(Manner::Dawdle);
    let inquiry = world.inquiry(ADACHI);
    let asking = world.ask(&inquiry);
    let hung_up = tokio::time::timeout(Duration::from_millis(150), asking).await;
    assert!(hung_up.is_err());
    assert_eq!((world.adachi.asked().len(), world.log.entries().len()), (1, 0));
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(world.log.ends(), [(Outcome::Nothing, None)]);
}
