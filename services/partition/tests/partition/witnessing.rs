//! What the rooms see of the log, what they sign, and what they do when it contradicts them.

use crypto::{Purpose, SigningKey};
use ledger::{Cosignature, Note, Origin, WitnessVerifier, timed_text, witness_name};

use crate::world::log::{Kept, ORIGIN};
use crate::world::{ADACHI, KORIYAMA, URUMA, World, on_both, on_both_with, question, refusal};
use crate::world::{rounds, until};

/// Settings under which an alarm stops inquiries.
const STOP: &str = "[witness]\npolicy = 'stop'";

fn witness(municipality: &str, key: &crypto::VerifyingKey) -> WitnessVerifier {
    let name = witness_name(&Origin::parse(ORIGIN).unwrap(), municipality).unwrap();
    WitnessVerifier::new(name, key.to_ed25519())
}

/// Sizes that both rooms cosigned, each with the latest time.
fn cosigned(world: &World) -> Vec<(u64, u64)> {
    let rooms = [KORIYAMA, ADACHI].map(|code| witness(code, &world.registry.signing_key(code)));
    let notes: Vec<Note> = world.log.read(|kept| kept.cosigned.clone());
    let both = notes.iter().filter_map(|note| {
        let times = rooms.iter().map(|room| Some(room.verify(note).unwrap()?.time_unix_s));
        let time = times.collect::<Option<Vec<u64>>>()?.into_iter().max()?;
        Some((ledger::Checkpoint::parse(note.text()).unwrap().size, time))
    });
    both.collect()
}

async fn until_cosigned(world: &World, size: u64) {
    until("cosigned", async || cosigned(world).last().is_some_and(|(last, _)| *last == size)).await;
}

fn grow(world: &World, entries: usize) {
    let body = |number: usize| format!("{{\"number\":{number}}}");
    world.log.change(|kept| {
        let from = kept.bodies.len();
        kept.bodies.extend((from..from + entries).map(body));
    });
}

/// Whether an alarm rings, a room doubts the log, a quorum lacks.
async fn alarms(world: &World) -> [bool; 3] {
    let rings = world.metric("watari_log_alarms").await;
    let doubts = world.metric("watari_log_doubts").await;
    let quorum = world.metric("watari_witness_quorum").await;
    [rings > 0, doubts > 0, quorum == 0]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_cosigns_only_what_it_has_seen_grow_and_signs_again_what_stays() {
    on_both(async |world| {
        until_cosigned(&world, 0).await;
        for size in [1, 2, 5, 300] {
            let from = world.log.read(|kept| kept.bodies.len());
            grow(&world, size - from);
            until_cosigned(&world, u64::try_from(size).unwrap()).await;
        }
        let before = *cosigned(&world).last().unwrap();
        world.pass(30).await;
        until("signed again", async || cosigned(&world).last().unwrap().1 >= before.1 + 30).await;
        assert_eq!(world.metric("watari_rooms_cosigned").await, 2);
        assert_eq!(world.count("witness_state WHERE size = 300").await, 2);
        assert_eq!(world.count("witness_evidence").await, 0);
        assert_eq!(alarms(&world).await, [false, false, false]);
        // Only the log's own words are kept, not those of all its witnesses.
        assert_eq!(world.count("witness_state WHERE note LIKE '%/witness/%'").await, 0);
    })
    .await;
}

/// Lets the log contradict the rooms, and finds that they say so once.
async fn contradict(lie: fn(&mut Kept), found: &'static str) {
    on_both_with(STOP, async |world| {
        grow(&world, 7);
        until_cosigned(&world, 7).await;
        world.mover(1).await;
        world.ask(&question(1)).await.unwrap();
        until_cosigned(&world, 8).await;
        let honest = world.log.read(|kept| kept.bodies.clone());
        world.log.change(lie);
        until("doubted", async || alarms(&world).await == [true, true, false]).await;
        let signed = world.log.read(|kept| kept.cosigned.len());
        rounds().await;
        assert_eq!(
            world.log.read(|kept| kept.cosigned.len()),
            signed,
            "a contradiction was signed"
        );
        assert_eq!(world.count("witness_evidence").await, 2);
        let objections = world.log.read(|kept| kept.objections.clone());
        assert_eq!(objections.len(), 2);
        assert!(objections.iter().all(|one| one.known.contains("\n8\n")));
        assert_eq!(world.acts(ADACHI, "WitnessLog").await, [found]);
        assert_eq!(world.acts(KORIYAMA, "WitnessLog").await, [found]);
        assert!(world.readiness().await.is_err(), "by policy nothing is asked");
        assert_eq!(refusal(world.ask(&question(1)).await), (503, "log-doubtful".to_owned()));
        assert_eq!(world.acts(KORIYAMA, "AskTransferIn").await.last().unwrap(), "log-doubtful");

        world.log.change(|kept| {
            kept.bodies = honest;
            kept.gives_wrong_proofs = false;
        });
        until("believed again", async || alarms(&world).await == [false, false, false]).await;
        world.ask(&question(1)).await.unwrap();
        assert_eq!(world.count("witness_evidence").await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_root_of_the_same_size_is_a_split_view() {
    contradict(|kept| kept.bodies[2] = "{}".to_owned(), "split view").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_longer_log_that_does_not_continue_is_a_split_view() {
    let fork = |kept: &mut Kept| {
        kept.bodies[2] = "{}".to_owned();
        kept.bodies.extend(["{1}".to_owned(), "{2}".to_owned()]);
    };
    contradict(fork, "split view").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shorter_log_was_rolled_back() {
    contradict(|kept| kept.bodies.truncate(5), "rolled back").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn growth_that_is_not_proven_is_a_split_view() {
    let unproven = |kept: &mut Kept| {
        kept.bodies.push("{1}".to_owned());
        kept.gives_wrong_proofs = true;
    };
    contradict(unproven, "split view").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_that_cannot_be_read_says_nothing_of_the_log() {
    on_both(async |world| {
        grow(&world, 7);
        until_cosigned(&world, 7).await;
        world.log.change(|kept| kept.gives_broken_proofs = true);
        grow(&world, 1);
        rounds().await;
        assert_eq!(alarms(&world).await, [false, false, false]);
        assert_eq!(world.count("witness_evidence").await, 0);
        assert!(cosigned(&world).iter().all(|(size, _)| *size == 7 || *size == 0));
        world.log.change(|kept| kept.gives_broken_proofs = false);
        until_cosigned(&world, 8).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_remembers_over_a_restart() {
    on_both(async |mut world| {
        grow(&world, 7);
        until_cosigned(&world, 7).await;
        world.stop().await;
        world.log.change(|kept| {
            kept.bodies.truncate(5);
            kept.cosigned.clear();
        });
        world.start().await;
        until("found", async || world.count("witness_evidence").await == 2).await;
        assert!(cosigned(&world).is_empty());
        // The policy is to go on: an alarm does not stop inquiries.
        world.mover(1).await;
        world.ask(&question(1)).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_stays_silent_is_an_alarm_after_ten_minutes_and_not_before() {
    on_both_with(STOP, async |world| {
        until_cosigned(&world, 0).await;
        world.log.change(|kept| kept.is_down = true);
        world.pass(590).await;
        rounds().await;
        assert!(world.readiness().await.is_ok());
        assert!(world.metric("watari_witness_age_seconds").await >= 589);
        world.pass(20).await;
        until("silent", async || world.readiness().await.is_err()).await;
        world.mover(1).await;
        assert_eq!(refusal(world.ask(&question(1)).await), (503, "log-doubtful".to_owned()));
        world.log.change(|kept| kept.is_down = false);
        until("heard again", async || world.readiness().await.is_ok()).await;
        world.ask(&question(1)).await.unwrap();
        assert_eq!(world.count("witness_evidence").await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_more_than_half_of_the_municipalities_there_is_an_alarm() {
    on_both(async |world| {
        let keys = [1, 2, 3].map(|_| SigningKey::make_random().unwrap());
        for (code, key) in [URUMA, "092037", "131016"].iter().zip(&keys) {
            world.registry.join(code, key);
        }
        until("missed", async || alarms(&world).await[2]).await;
        assert_eq!(world.metric("watari_log_alarms").await, 0, "there is no alarm at the start");
        // A cosignature under another municipality's key counts for nobody.
        world.log.change(|kept| kept.lines = vec![line(kept, URUMA, &keys[1])]);
        world.pass(601).await;
        until("alarmed", async || alarms(&world).await == [true, false, true]).await;
        world.log.change(|kept| kept.lines = vec![line(kept, URUMA, &keys[0])]);
        until("enough", async || alarms(&world).await == [false, false, false]).await;
        // It counts for as long as it is fresh.
        world.pass(601).await;
        until("stale", async || alarms(&world).await == [true, false, true]).await;
        assert!(world.readiness().await.is_ok(), "an alarm takes no room away by itself");
    })
    .await;
}

/// What a municipality says about the log as it is.
fn line(kept: &Kept, municipality: &str, key: &SigningKey) -> ledger::Signature {
    use domain::Clock as _;
    let time = u64::try_from(kept.clock.now().unix_timestamp()).unwrap();
    let message = timed_text(&kept.checkpoint().to_text(), time);
    let signature = key.sign(Purpose::Cosignature, message.as_bytes());
    let verifier = witness(municipality, &key.verifying_key());
    verifier.line(&Cosignature::new(time, signature.to_bytes()))
}
