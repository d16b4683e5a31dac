//! Who received a person's records: complete, with proofs, and nothing that is not proven.

use crypto::{Commitment, Salt};
use diesel::RunQueryDsl as _;
use domain::{IndividualNumber, MunicipalityCode, Outcome, Role};
use ledger::{Checkpoint, Hash, Origin, Verifier};
use wire::partition::{DISCLOSURES, Disclose, Disclosure, Received};
use wire::provision_log::{Act, Entry, LeafBody, Receipt};
use wire::{CallError, WireNumber};

use crate::world::broker::Loses;
use crate::world::log::ORIGIN;
use crate::world::{ADACHI, KORIYAMA, URUMA, World, on_both, on_both_with, question, refusal};

async fn disclose(world: &World, number: u32) -> Result<Disclosure, CallError> {
    let individual_number = WireNumber(IndividualNumber::for_test(number));
    let desk = world.desk(ADACHI, Role::Supervisor);
    desk.post(DISCLOSURES, &Disclose { individual_number }).await
}

/// What an auditor does with a disclosure and the log's public key alone.
fn verify(world: &World, number: u32, received: &Received) -> Entry {
    let receipt = received.receipt.as_ref().unwrap();
    let verifier: Verifier = world.log.verifier().parse().unwrap();
    let origin = Origin::parse(ORIGIN).unwrap();
    let checkpoint = Checkpoint::open(&receipt.checkpoint, &origin, &[verifier]).unwrap();
    let proof: Vec<Hash> =
        receipt.proof.iter().map(|hash| Hash::try_from(hash.0.as_slice()).unwrap()).collect();
    let leaf = ledger::leaf_hash(receipt.entry.as_bytes());
    let (size, root) = (checkpoint.size, checkpoint.root);
    ledger::verify_inclusion(leaf, receipt.index, size, root, &proof).unwrap();
    let body: LeafBody = serde_json::from_str(&receipt.entry).unwrap();
    let Act::Outcome(entry) = body.act else { panic!("an order") };
    let salt = Salt::from_bytes(&received.salt.0).unwrap();
    let number = IndividualNumber::for_test(number);
    let commitment = Commitment::new(&salt, &number, received.content.as_bytes());
    assert_eq!(entry.commitment.as_ref().unwrap().0, commitment.as_bytes());
    assert_eq!(entry.outcome, Outcome::Provided);
    entry
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disclosure_names_every_provision_of_one_person_and_proves_it() {
    on_both(async |world| {
        world.mover(1).await;
        world.mover(2).await;
        let mut asked = Vec::new();
        for number in [1, 2, 1, 1, 2] {
            let question = question(number);
            world.ask(&question).await.unwrap();
            if number == 1 {
                asked.push(question.inquiry);
            }
            world.pass(1).await;
        }
        let disclosure = disclose(&world, 1).await.unwrap();
        let told: Vec<_> = disclosure.received.iter().map(|one| one.inquiry).collect();
        assert_eq!(told, asked);
        for one in &disclosure.received {
            let entry = verify(&world, 1, one);
            assert_eq!(entry.inquiry, one.inquiry);
            assert_eq!((entry.inquirer, entry.provider.as_str()), (one.inquirer, ADACHI));
            assert_eq!(one.inquirer.as_str(), KORIYAMA);
            assert!(one.content.contains("L-1"));
        }
        assert_eq!(world.acts(ADACHI, "Disclose").await, ["disclosed 3, hidden by law 0"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_unknown_or_was_never_asked_about_is_told_apart() {
    on_both(async |world| {
        assert_eq!(refusal(disclose(&world, 1).await), (404, "not-found".to_owned()));
        world.mover(1).await;
        assert!(disclose(&world, 1).await.unwrap().received.is_empty());
        let individual_number = WireNumber(IndividualNumber::for_test(1));
        let clerk = world.desk(ADACHI, Role::Clerk);
        let refused = clerk.post::<Disclosure>(DISCLOSURES, &Disclose { individual_number }).await;
        assert_eq!(refusal(refused), (403, "denied".to_owned()));
        let acts = world.acts(ADACHI, "Disclose").await;
        assert_eq!(acts, ["not-found", "disclosed 0, hidden by law 0", "denied"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_ready_and_not_released_is_shown_without_a_receipt() {
    on_both(async |world| {
        world.mover(1).await;
        world.broker.lose(Loses::BeforeLog);
        world.ask(&question(1)).await.unwrap_err();
        let disclosure = disclose(&world, 1).await.unwrap();
        assert_eq!(disclosure.received.len(), 1);
        assert!(disclosure.received[0].receipt.is_none());
    })
    .await;
}

/// Rewrites the entry; the log then proves the rewritten one.
fn rewrite(world: &World, change: impl FnOnce(&mut Entry)) {
    world.log.change(|kept| {
        let mut body: LeafBody = serde_json::from_str(&kept.bodies[0]).unwrap();
        let Act::Outcome(entry) = &mut body.act else { panic!("an order") };
        change(entry);
        kept.bodies[0] = serde_json::to_string(&body).unwrap();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_does_not_fit_is_an_error_and_not_an_answer() {
    on_both(async |world| {
        world.mover(1).await;
        world.ask(&question(1)).await.unwrap();
        let honest = world.log.read(|kept| kept.bodies.clone());
        let lies: [fn(&mut Entry); 3] = [
            |entry| entry.commitment = Some(vec![9; 32].into()),
            |entry| entry.inquirer = MunicipalityCode::parse(URUMA).unwrap(),
            |entry| entry.outcome = Outcome::Nothing,
        ];
        for lie in lies {
            rewrite(&world, lie);
            assert_eq!(refusal(disclose(&world, 1).await), (502, "answer-refused".to_owned()));
            world.log.change(|kept| kept.bodies.clone_from(&honest));
        }
        let spoils: [fn(&mut Receipt); 4] = [
            |receipt| receipt.entry = receipt.entry.replace("provided", "nothing"),
            |receipt| receipt.index += 1,
            |receipt| receipt.checkpoint = receipt.checkpoint.replace("\n1\n", "\n2\n"),
            |receipt| receipt.proof.push(vec![7; 32].into()),
        ];
        for spoil in spoils {
            world.log.change(|kept| kept.spoil = Some(spoil));
            assert_eq!(refusal(disclose(&world, 1).await), (502, "answer-refused".to_owned()));
        }
        world.log.change(|kept| kept.spoil = None);
        world.log.change(|kept| kept.is_down = true);
        assert_eq!(refusal(disclose(&world, 1).await), (503, "unavailable".to_owned()));
        world.log.change(|kept| kept.is_down = false);
        disclose(&world, 1).await.unwrap();
        let acts = world.acts(ADACHI, "Disclose").await;
        assert_eq!(acts.len(), 9);
        assert_eq!(acts[..7], ["answer-refused"; 7]);
        assert_eq!(acts[7..], ["unavailable", "disclosed 1, hidden by law 0"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_is_hidden_only_by_a_rule_in_force_and_the_log_says_so() {
    let rules = tempfile::tempdir().unwrap();
    let file = rules.path().join("rules.csv");
    let head = "procedure,legal_basis,hidden_from,hidden_until,source";
    let row = |from: &str, until: &str| {
        format!("{head}\ntransfer-in,number-act-19-16,{from},{until},an order\n")
    };
    let settings = format!("disclosure_exemptions = '{}'\n", file.display());
    for (text, received, said) in [
        (row("2020-01-01", ""), 0, "disclosed 0, hidden by law 1"),
        (row("2020-01-01", "2020-12-31"), 1, "disclosed 1, hidden by law 0"),
    ] {
        std::fs::write(&file, text).unwrap();
        on_both_with(&settings, async |world| {
            world.mover(1).await;
            world.ask(&question(1)).await.unwrap();
            assert_eq!(disclose(&world, 1).await.unwrap().received.len(), received);
            assert_eq!(world.acts(ADACHI, "Disclose").await, [said]);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_thousand_provisions_are_refused_by_name() {
    on_both(async |world| {
        world.mover(1).await;
        world.ask(&question(1)).await.unwrap();
        let id =
            if world.test.is_sqlite() { "randomblob(16)" } else { "uuid_send(gen_random_uuid())" };
        let many = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) \
             INSERT INTO provision SELECT municipality, {id}, inquirer, subject_id, permit_id, \
             content_sealed, provided_at_unix_ms FROM provision, n"
        );
        world.test.as_owner(move |tx| diesel::sql_query(many).execute(tx)).await;
        assert_eq!(refusal(disclose(&world, 1).await), (422, "disclosure-too-long".to_owned()));
        assert_eq!(world.acts(ADACHI, "Disclose").await, ["disclosure-too-long"]);
    })
    .await;
}
