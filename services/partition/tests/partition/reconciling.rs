//! The rooms' records and the log, one to one.

use domain::{
    Confirmation, InquiryHeader, InquiryId, MunicipalityCode, OperatorId, Outcome, Role, TerminalId,
};
use wire::partition::{RECONCILIATION_READ, ReadReconciliation, Reconciliation, Side};
use wire::provision_log::{End, Entry};

use crate::world::broker::Loses;
use crate::world::{ADACHI, KORIYAMA, URUMA, World, on_both, question, refusal, rounds, until};

async fn read(world: &World, municipality: &str) -> Reconciliation {
    let desk = world.desk(municipality, Role::Supervisor);
    desk.post(RECONCILIATION_READ, &ReadReconciliation {}).await.unwrap()
}

async fn sides(world: &World, municipality: &str) -> Vec<(InquiryId, Side)> {
    let found = read(world, municipality).await.one_sided;
    found.into_iter().map(|one| (one.inquiry, one.side)).collect()
}

async fn until_sides(world: &World, municipality: &str, wanted: &[(InquiryId, Side)]) {
    until("these sides", async || sides(world, municipality).await == wanted).await;
}

/// An entry about an inquiry that the rooms here know nothing of.
fn entry(inquirer: &str, end: End) -> Entry {
    let header = InquiryHeader {
        inquiry: InquiryId::make_random(),
        inquirer: MunicipalityCode::parse(inquirer).unwrap(),
        provider: MunicipalityCode::parse(ADACHI).unwrap(),
        procedure: "transfer-in".to_owned(),
        legal_basis: "number-act-19-16".to_owned(),
        items: "vaccination".to_owned(),
        confirmation: Confirmation::ResidentRegister,
        operator: OperatorId::parse("clerk-1").unwrap(),
        terminal: TerminalId::parse("terminal-1").unwrap(),
        asked_at_unix_s: 1_790_000_000,
    };
    Entry::of(&header, uuid::Uuid::new_v4().to_string(), end, 1_790_000_000_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_sides_have_leaves_no_trace() {
    on_both(async |world| {
        for number in 1..=3 {
            world.mover(number).await;
            world.ask(&question(number)).await.unwrap();
        }
        world.desk(KORIYAMA, Role::Clerk).register(4).await;
        world.ask(&question(4)).await.unwrap();
        rounds().await;
        world.pass(31).await;
        rounds().await;
        for room in [KORIYAMA, ADACHI] {
            let agreed = read(&world, room).await;
            assert_eq!((agreed.next_index, agreed.one_sided), (4, Vec::new()));
            assert!(world.acts(room, "ReadOutcomes").await.is_empty());
        }
        assert_eq!(world.metric("watari_one_sided_records").await, 0);
        assert_eq!(world.log.read(|kept| kept.finds), 0, "asked for what was listed");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_never_logged_is_named_until_a_retry_logs_it() {
    on_both(async |world| {
        world.mover(1).await;
        let asked = question(1);
        world.broker.lose(Loses::BeforeLog);
        world.ask(&asked).await.unwrap_err();
        rounds().await;
        assert!(sides(&world, ADACHI).await.is_empty(), "it may still be on its way");
        world.pass(31).await;
        until_sides(&world, ADACHI, &[(asked.inquiry, Side::ProvisionWithoutLog)]).await;
        until("counted", async || world.metric("watari_one_sided_records").await == 1).await;
        rounds().await;
        let acts = world.acts(ADACHI, "ReadOutcomes").await;
        assert_eq!(acts, ["one-sided: 1 found, 0 resolved"]);
        assert!(sides(&world, KORIYAMA).await.is_empty());

        world.broker.lose(Loses::Nothing);
        world.ask(&asked).await.unwrap();
        until_sides(&world, ADACHI, &[]).await;
        until("counted", async || world.metric("watari_one_sided_records").await == 0).await;
        let acts = world.acts(ADACHI, "ReadOutcomes").await;
        assert_eq!(acts[1..], ["one-sided: 0 found, 1 resolved"]);
        assert_eq!(world.count("one_sided WHERE resolved_at_unix_ms IS NOT NULL").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_never_arrived_is_named_until_a_retry_brings_it() {
    on_both(async |world| {
        world.mover(1).await;
        let asked = question(1);
        world.broker.lose(Loses::BeforeAsker);
        world.ask(&asked).await.unwrap_err();
        rounds().await;
        let waiting = read(&world, KORIYAMA).await;
        assert_eq!((waiting.next_index, waiting.one_sided), (0, Vec::new()));
        world.pass(31).await;
        until_sides(&world, KORIYAMA, &[(asked.inquiry, Side::LogWithoutAnswer)]).await;
        assert!(sides(&world, ADACHI).await.is_empty());
        assert_eq!(read(&world, KORIYAMA).await.one_sided[0].log_index, Some(0));

        world.broker.lose(Loses::Nothing);
        world.ask(&asked).await.unwrap();
        until_sides(&world, KORIYAMA, &[]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_alone_says_is_named_on_each_side_that_lacks_it() {
    on_both(async |world| {
        let by_uruma = entry(URUMA, End::provided(vec![1; 32].into()));
        let by_koriyama = entry(KORIYAMA, End::provided(vec![1; 32].into()));
        let nothing = entry(KORIYAMA, End::nothing());
        let refused = entry(KORIYAMA, End::refused(domain::Reason::NotPermitted));
        for one in [&by_uruma, &by_koriyama, &nothing, &refused] {
            world.log.append(one);
        }
        world.pass(31).await;
        let (uruma, koriyama) = (by_uruma.inquiry, by_koriyama.inquiry);
        let mut alone = [(uruma, Side::LogWithoutProvision), (koriyama, Side::LogWithoutProvision)];
        alone.sort_by_key(|(inquiry, _)| *inquiry);
        until_sides(&world, ADACHI, &alone).await;
        let mut alone =
            [(koriyama, Side::LogWithoutAnswer), (nothing.inquiry, Side::LogWithoutAnswer)];
        alone.sort_by_key(|(inquiry, _)| *inquiry);
        until_sides(&world, KORIYAMA, &alone).await;
        assert_eq!(read(&world, KORIYAMA).await.next_index, 4);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_only_the_log_has_is_named_on_both_sides_until_it_comes() {
    on_both(async |world| {
        world.mover(1).await;
        let asked = question(1);
        world.ask(&asked).await.unwrap();
        let (young, old) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        let corrected = |notice: uuid::Uuid| Entry {
            inquiry: asked.inquiry,
            permit: notice.to_string(),
            outcome: Outcome::Corrected,
            ..entry(KORIYAMA, End::provided(vec![1; 32].into()))
        };
        world.log.append(&corrected(old));
        rounds().await;
        assert!(sides(&world, KORIYAMA).await.is_empty(), "it may still be on its way");
        world.pass(31).await;
        world.log.append(&corrected(young));
        let alone = [(InquiryId(old), Side::LogWithoutNotice)];
        until_sides(&world, KORIYAMA, &alone).await;
        until_sides(&world, ADACHI, &alone).await;
        assert_eq!(read(&world, KORIYAMA).await.one_sided[0].log_index, Some(1));
        // It comes after all to Koriyama; Adachi has never sent it.
        let sql = [
            "INSERT INTO notice_in VALUES ('072036', X'00000000000000000000000000000002', X'01', \
             '131211', X'01', 'corrected', X'01', 'seen', X'', 1, X'', 1, NULL, NULL)",
            "INSERT INTO notice_in VALUES ('072036', '\\x00000000000000000000000000000002', '\\x01', \
             '131211', '\\x01', 'corrected', '\\x01', 'seen', '', 1, '', 1, NULL, NULL)",
        ];
        world.execute(sql).await;
        until_sides(&world, KORIYAMA, &[]).await;
        assert_eq!(sides(&world, ADACHI).await, alone);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_has_lost_is_named_on_both_sides() {
    on_both(async |world| {
        world.mover(1).await;
        let asked = question(1);
        // Forgotten at once, before the rooms compare.
        world.log.change(|kept| {
            kept.denied.insert(asked.inquiry);
        });
        world.ask(&asked).await.unwrap();
        world.pass(31).await;
        until_sides(&world, KORIYAMA, &[(asked.inquiry, Side::AnswerWithoutLog)]).await;
        until_sides(&world, ADACHI, &[(asked.inquiry, Side::ProvisionWithoutLog)]).await;
        world.log.change(|kept| kept.denied.clear());
        until_sides(&world, KORIYAMA, &[]).await;
        until_sides(&world, ADACHI, &[]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_both_have_otherwise_is_named_and_waits_for_people() {
    on_both(async |world| {
        world.mover(1).await;
        let asked = question(1);
        world.log.change(|kept| kept.is_down = true);
        world.ask(&asked).await.unwrap();
        // The log says now that another municipality received it.
        world.log.change(|kept| {
            kept.bodies[0] = kept.bodies[0].replace(KORIYAMA, URUMA);
            kept.is_down = false;
        });
        world.pass(31).await;
        until_sides(&world, ADACHI, &[(asked.inquiry, Side::Differs)]).await;
        until_sides(&world, KORIYAMA, &[(asked.inquiry, Side::AnswerWithoutLog)]).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_away_stops_nothing_and_is_compared_later() {
    on_both(async |world| {
        world.mover(1).await;
        world.log.change(|kept| kept.is_down = true);
        world.ask(&question(1)).await.unwrap();
        world.pass(60).await;
        rounds().await;
        assert_eq!(read(&world, KORIYAMA).await.next_index, 0);
        world.log.change(|kept| kept.is_down = false);
        until("compared", async || read(&world, KORIYAMA).await.next_index == 1).await;
        assert!(sides(&world, ADACHI).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_supervisor_reads_how_far_they_agree() {
    on_both(async |world| {
        let desk = world.desk(KORIYAMA, Role::Clerk);
        let refused = desk.post::<Reconciliation>(RECONCILIATION_READ, &ReadReconciliation {});
        assert_eq!(refusal(refused.await), (403, "denied".to_owned()));
        read(&world, KORIYAMA).await;
        assert_eq!(world.acts(KORIYAMA, "ReadReconciliation").await.last().unwrap(), "read");
    })
    .await;
}
