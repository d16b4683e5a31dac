//! What is answered is in the log, once, and provable.
#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod world;

use domain::{InquiryId, OperatorId, Outcome, TerminalId};
use ledger::{TileId, leaf_hash, tile_hashes};
use provision_log::Limits;
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::provision_log::{Entry, ProveInclusion};
use world::{World, again, code, failed, hashes, nothing, provided};

#[tokio::test]
async fn two_hundred_at_once_leave_no_gap_and_every_receipt_holds() {
    for world in World::each().await {
        let log = world.open().await;
        let mut tasks = JoinSet::new();
        for _ in 0..200 {
            let log = log.clone();
            tasks.spawn(async move { log.append(nothing()).await.unwrap() });
        }
        let mut receipts = tasks.join_all().await;
        receipts.sort_by_key(|receipt| receipt.index);
        let indexes: Vec<u64> = receipts.iter().map(|receipt| receipt.index).collect();
        assert_eq!(indexes, (0..200).collect::<Vec<u64>>());
        let last = log.checkpoint();
        for receipt in &receipts {
            world.verify(receipt);
            world.assert_grew(&log, &receipt.checkpoint, &last).await;
        }
        world.assert_whole(&log, 200).await;
    }
}

#[tokio::test]
async fn a_log_longer_than_its_tiles_in_memory_proves_its_oldest_entries() {
    for world in World::each().await {
        let log = world.open().await;
        let first = provided(1);
        let receipt = log.append(first.clone()).await.unwrap();
        let mut tasks = JoinSet::new();
        for _ in 0..1_100 {
            let log = log.clone();
            tasks.spawn(async move { log.append(nothing()).await.unwrap() });
        }
        for receipt in tasks.join_all().await {
            world.verify(&receipt);
        }
        world.assert_whole(&log, 1_101).await;

        let retried = log.append(again(&first)).await.unwrap();
        assert_eq!((retried.index, &retried.entry), (0, &receipt.entry));
        world.verify(&retried);

        let proof = log.prove_inclusion(ProveInclusion { index: 0, size: 1_101 }).await.unwrap();
        assert_eq!(hashes(&proof.hashes), hashes(&retried.proof));
        assert!(log.prove_inclusion(ProveInclusion { index: 0, size: 1_102 }).await.is_err());
        assert!(log.prove_inclusion(ProveInclusion { index: 5, size: 5 }).await.is_err());

        let leaves: Vec<_> = world.bodies().await.iter().map(|body| leaf_hash(body)).collect();
        for (index, width) in [(0, 256), (1, 256), (3, 256), (4, 77), (4, 1), (2, 9)] {
            let path = TileId { level: 0, index }.path(width);
            let from = usize::try_from(index).unwrap() * 256;
            let tile = tile_hashes(&log.tile(&path).await.unwrap()).unwrap();
            assert_eq!(tile, leaves[from..from + width], "{path}");
        }
        assert_eq!(log.tile("tile/1/000.p/4").await.unwrap().len(), 4 * 32);
        for path in ["tile/0/004.p/78", "tile/0/004", "tile/1/000", "tile/2/000.p/1", "tile/0/5"] {
            assert_eq!(log.tile(path).await.unwrap_err().kind().status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn a_retry_is_answered_with_the_entry_that_is_there() {
    for world in World::each().await {
        let log = world.open().await;
        for entry in [provided(7), nothing()] {
            let receipt = log.append(entry.clone()).await.unwrap();
            let same_permit = Entry { decided_at_unix_ms: 1_790_000_009_000, ..entry.clone() };
            for retry in [entry.clone(), same_permit, again(&entry)] {
                let retried = log.append(retry).await.unwrap();
                assert_eq!((retried.index, &retried.entry), (receipt.index, &receipt.entry));
                world.verify(&retried);
            }
        }
        world.assert_whole(&log, 2).await;
    }
}

#[tokio::test]
async fn retries_that_meet_in_one_batch_make_one_entry() {
    for world in World::each().await {
        let log = world.open().await;
        let entry = provided(7);
        let mut tasks = JoinSet::new();
        for _ in 0..40 {
            let (log, entry) = (log.clone(), again(&entry));
            tasks.spawn(async move { log.append(entry).await });
        }
        for receipt in tasks.join_all().await {
            let receipt = receipt.unwrap();
            assert_eq!(receipt.index, 0);
            world.verify(&receipt);
        }
        world.assert_whole(&log, 1).await;
    }
}

#[tokio::test]
async fn a_settled_inquiry_does_not_end_in_another_way() {
    for world in World::each().await {
        let log = world.open().await;
        let settled = provided(7);
        log.append(settled.clone()).await.unwrap();
        let retry = again(&settled);
        let other = [
            Entry { commitment: None, outcome: Outcome::Nothing, ..retry.clone() },
            Entry { commitment: provided(8).commitment, ..retry.clone() },
            // Somebody else's receipt is nobody's business.
            Entry { inquirer: code("472131"), ..retry.clone() },
            Entry { provider: code("472131"), ..retry.clone() },
            Entry { operator: OperatorId::parse("clerk-2").unwrap(), ..retry.clone() },
            Entry { terminal: TerminalId::parse("t-2").unwrap(), ..retry.clone() },
            Entry { items: "other".to_owned(), ..retry.clone() },
        ];
        for entry in other {
            let refused = log.append(entry).await.unwrap_err();
            assert_eq!((refused.kind().code, refused.kind().status), ("already-settled", 409));
        }
        let reused = Entry { inquiry: InquiryId::make_random(), ..settled };
        let refused = log.append(reused).await.unwrap_err();
        assert_eq!((refused.kind().code, refused.kind().status), ("permit-reused", 409));
        world.assert_whole(&log, 1).await;
    }
}

#[tokio::test]
async fn an_attempt_that_failed_leaves_the_inquiry_open() {
    for world in World::each().await {
        let log = world.open().await;
        let first = failed();
        let inquiry = first.inquiry;
        log.append(first.clone()).await.unwrap();
        log.append(again(&first)).await.unwrap();
        let receipt = log.append(Entry { inquiry, ..provided(7) }).await.unwrap();
        assert_eq!(receipt.index, 2);
        log.append(again(&first)).await.unwrap();
        world.assert_whole(&log, 4).await;
    }
}

#[tokio::test]
async fn one_refused_entry_does_not_hold_up_the_others() {
    for world in World::each().await {
        let log = world.open().await;
        let settled = provided(7);
        log.append(settled.clone()).await.unwrap();
        let mut tasks = JoinSet::new();
        for number in 0..30 {
            let entry = if number % 3 == 0 {
                let permit = Uuid::now_v7().to_string();
                Entry { permit, commitment: provided(8).commitment, ..settled.clone() }
            } else {
                nothing()
            };
            let log = log.clone();
            tasks.spawn(async move { log.append(entry).await });
        }
        let answers = tasks.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 10);
        answers.iter().flatten().for_each(|receipt| drop(world.verify(receipt)));
        world.assert_whole(&log, 21).await;
    }
}

#[tokio::test]
async fn a_full_queue_refuses_and_keeps_nothing() {
    for world in World::each().await {
        let limits = Limits { queue_entries_max: 2, batch_entries_max: 1 };
        let log = world.try_open(limits).await.unwrap();
        let mut tasks = JoinSet::new();
        for _ in 0..50 {
            let log = log.clone();
            tasks.spawn(async move { log.append(nothing()).await });
        }
        let answers = tasks.join_all().await;
        let kept = answers.iter().flatten().count();
        for error in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(error.kind().code, "unavailable");
        }
        assert!((2..50).contains(&kept), "{kept}");
        world.assert_whole(&log, kept).await;
    }
}

#[tokio::test]
async fn a_notice_follows_only_an_end_between_the_same_two_about_the_same_question() {
    for world in World::each().await {
        let log = world.open().await;
        let (received, empty, open) = (provided(7), nothing(), failed());
        for end in [&received, &empty, &open] {
            log.append(end.clone()).await.unwrap();
        }
        let told = |outcome, end: &Entry| Entry {
            permit: Uuid::now_v7().to_string(),
            operator: OperatorId::parse("clerk-adachi").unwrap(),
            terminal: TerminalId::parse("adachi-1").unwrap(),
            outcome,
            reason: None,
            commitment: provided(9).commitment,
            decided_at_unix_ms: end.decided_at_unix_ms + 1,
            ..end.clone()
        };
        let corrected = told(Outcome::Corrected, &received);
        let (inquirer, provider) = (corrected.inquirer, corrected.provider);
        let never = Entry { inquiry: InquiryId::make_random(), ..received.clone() };
        let forged = [
            told(Outcome::Corrected, &never),
            told(Outcome::Corrected, &open),
            told(Outcome::Released, &received),
            Entry { inquirer: code("472131"), ..corrected.clone() },
            Entry { provider: code("472131"), ..corrected.clone() },
            Entry { inquirer: provider, provider: inquirer, ..corrected.clone() },
            Entry { procedure: "other".to_owned(), ..corrected.clone() },
            Entry { asked_at_unix_s: 1, ..corrected.clone() },
        ];
        for entry in forged {
            let refused = log.append(entry.clone()).await.unwrap_err();
            assert_eq!(refused.kind().code, "no-such-end", "{entry:?}");
        }
        world.assert_whole(&log, 3).await;
        let released = told(Outcome::Released, &empty);
        for entry in [&corrected, &released, &told(Outcome::Corrected, &empty), &corrected] {
            log.append(entry.clone()).await.unwrap();
        }
        world.assert_whole(&log, 6).await;
    }
}
