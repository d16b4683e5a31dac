//! A lying broker between asker and source: what does not answer this very question, or is not
//! proven by the provision log, is neither shown nor kept (C090, C094).

use domain::{InquiryId, Outcome, ServiceKind};
use watari::story::desk::Desk;
use wire::CallError;
use wire::partition::{AskOutcome, ListPage, OPERATION_LOG_LIST, OperationLog};

use super::false_broker::{FalseBroker, Lie, private_log, resigned, stray_hash, unsigned};
use super::sql::{Sql, id_is};
use crate::support::{World, alone_on_both, dose, fresh_number, question};

const fn told(name: &'static str, tell: TellsWrong) -> Lie {
    Lie { tell, name, ..Lie::TRUTH }
}

type TellsWrong = fn(&mut wire::broker::BrokerAnswer, &super::false_broker::Loot);

const fn logged(name: &'static str, log: fn(&mut wire::provision_log::Entry)) -> Lie {
    Lie { log, name, ..Lie::TRUTH }
}

const ABOUT_THE_ANSWER: [Lie; 7] = [
    told("another inquiry's answer", |answer, loot| answer.sealed = loot.earlier.sealed.clone()),
    told("another inquiry's answer and receipt", |answer, loot| *answer = loot.earlier.clone()),
    told("first byte", |answer, _| answer.sealed.0[0] ^= 1),
    told("last byte", |answer, _| *answer.sealed.0.last_mut().unwrap() ^= 1),
    told("cut", |answer, _| answer.sealed.0.truncate(1_000)),
    told("no answer", |answer, _| answer.sealed.0.clear()),
    told("no such room", |answer, _| answer.routed = false),
];

const ABOUT_THE_RECEIPT: [Lie; 16] = [
    told("another inquiry's receipt", |answer, loot| {
        answer.receipt = loot.earlier.receipt.clone();
    }),
    told("another inquiry's entry", |answer, loot| {
        answer.receipt.entry = loot.earlier.receipt.entry.clone();
    }),
    told("another entry's proof", |answer, loot| {
        answer.receipt.proof = loot.earlier.receipt.proof.clone();
    }),
    told("another entry's index", |answer, _| answer.receipt.index -= 1),
    told("an index beyond the log", |answer, _| answer.receipt.index = u64::MAX),
    told("no proof", |answer, _| answer.receipt.proof.clear()),
    told("a longer proof", |answer, _| answer.receipt.proof.push(stray_hash().into())),
    told("a wrong hash", |answer, _| answer.receipt.proof[0].0[31] ^= 1),
    told("half a hash", |answer, _| answer.receipt.proof[0].0.truncate(16)),
    told("no checkpoint", |answer, _| answer.receipt.checkpoint.clear()),
    told("an unsigned checkpoint", |answer, _| {
        answer.receipt.checkpoint = unsigned(&answer.receipt);
    }),
    told("a checkpoint of another key", |answer, loot| {
        answer.receipt.checkpoint = resigned(&answer.receipt, &loot.other_key, None);
    }),
    told("the log's key, for another log", |answer, loot| {
        answer.receipt.checkpoint =
            resigned(&answer.receipt, &loot.log_key, Some("elsewhere.example/log"));
    }),
    told("an earlier checkpoint", |answer, loot| {
        answer.receipt.checkpoint = loot.earlier.receipt.checkpoint.clone();
    }),
    told("a private log", |answer, loot| private_log(&mut answer.receipt, &loot.other_key)),
    told("a space in the entry", |answer, _| answer.receipt.entry.push(' ')),
];

/// Really in the log, and really signed by it; but not what happened.
const ABOUT_WHAT_HAPPENED: [Lie; 10] = [
    // Else a broker could say "nothing" in the name of a room that it never asked.
    Lie {
        name: "no such room, and the log says so too",
        log: |entry| (entry.outcome, entry.commitment) = (Outcome::Nothing, None),
        tell: |answer, _| answer.routed = false,
    },
    logged("another commitment", |entry| entry.commitment = Some(stray_hash().into())),
    logged("nothing", |entry| (entry.outcome, entry.commitment) = (Outcome::Nothing, None)),
    logged("failed", |entry| {
        (entry.outcome, entry.commitment) = (Outcome::Failed, None);
        entry.reason = Some(domain::Reason::SourceUnavailable);
    }),
    logged("another inquiry", |entry| entry.inquiry = InquiryId::make_random()),
    logged("another provider", |entry| {
        entry.provider = domain::MunicipalityCode::parse("472131").unwrap();
    }),
    logged("another inquirer", |entry| {
        entry.inquirer = domain::MunicipalityCode::parse("472131").unwrap();
    }),
    logged("another operator", |entry| {
        entry.operator = domain::OperatorId::parse("clerk-uruma").unwrap();
    }),
    logged("another terminal", |entry| {
        entry.terminal = domain::TerminalId::parse("terminal-uruma").unwrap();
    }),
    logged("another legal basis", |entry| {
        entry.legal_basis = "number-act-19-15".to_owned();
    }),
];

#[test]
fn what_a_lying_broker_says_is_neither_shown_nor_kept() {
    alone_on_both(async |mut world| {
        let number = fresh_number();
        world.live_in_adachi(number, &[dose(1), dose(2)]).await;
        world.arrive_in_koriyama(number).await;
        let broker = FalseBroker::start(&mut world).await;
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        // While it tells the truth it is as good as the real one; this is also what it keeps.
        let ask = async |lie: Lie| {
            broker.tell(lie);
            let asked = question(number, world.cast.adachi.code);
            (asked.clone(), clerk.ask(&asked).await)
        };
        for _ in 0..2 {
            let (_, answer) = ask(Lie::TRUTH).await;
            assert_eq!(answer.unwrap().outcome, AskOutcome::Provided);
        }
        let lies = ABOUT_THE_ANSWER.into_iter().chain(ABOUT_THE_RECEIPT);
        for lie in lies.chain(ABOUT_WHAT_HAPPENED) {
            let (asked, answer) = ask(lie).await;
            expect_refused(lie.name, answer.map(|answer| format!("{answer:?}")));
            expect_nothing_kept(&world, &clerk, lie.name, asked.inquiry).await;
            // The log has the truth, so the same inquiry still ends well.
            if ABOUT_THE_ANSWER.iter().any(|one| one.name == lie.name) {
                broker.tell(Lie::TRUTH);
                let answer = clerk.ask(&asked).await.unwrap();
                assert_eq!(answer.vaccinations, [dose(1), dose(2)], "{}", lie.name);
            }
        }
        let supervisor = world.desk(&world.cast.koriyama.supervisor).await;
        expect_failures_on_record(&supervisor).await;
    });
}

#[test]
fn nothing_cannot_be_made_of_another_persons_answer_nor_doses_of_nothing() {
    alone_on_both(async |mut world| {
        let (known, unknown) = (fresh_number(), fresh_number());
        world.live_in_adachi(known, &[dose(1)]).await;
        world.arrive_in_koriyama(known).await;
        world.arrive_in_koriyama(unknown).await;
        let broker = FalseBroker::start(&mut world).await;
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        let ask = async |number| clerk.ask(&question(number, world.cast.adachi.code)).await;
        // The first answer that comes by is "nothing"; it is told to whoever asks afterwards.
        assert_eq!(ask(unknown).await.unwrap().outcome, AskOutcome::Nothing);
        for lie in &ABOUT_THE_ANSWER[..2] {
            broker.tell(*lie);
            for number in [known, unknown] {
                expect_refused(lie.name, ask(number).await.map(|answer| format!("{answer:?}")));
            }
        }
        broker.tell(Lie::TRUTH);
        assert_eq!(ask(known).await.unwrap().outcome, AskOutcome::Provided);
        assert_eq!(ask(unknown).await.unwrap().outcome, AskOutcome::Nothing);
    });
}

fn expect_refused(what: &str, answer: Result<String, CallError>) {
    let error = answer.expect_err(what);
    let got = error.problem().map(|problem| (problem.status, problem.code.as_str()));
    assert_eq!(got, Some((502, "answer-refused")), "{what}: {error:?}");
}

async fn expect_nothing_kept(world: &World, clerk: &Desk, what: &str, inquiry: InquiryId) {
    let found = clerk.find(inquiry).await.expect_err(what);
    let code = found.problem().map(|problem| problem.code.as_str());
    assert_eq!(code, Some("not-found"), "{what}: {found:?}");
    let mut sql = Sql::owner(world, ServiceKind::Partition);
    let rows = id_is(&sql, "id", &inquiry.0);
    let kept = "state || ' ' || (COALESCE(answered_at_unix_ms, expires_at_unix_ms, log_index) \
                IS NULL AND answer_sealed IS NULL AND receipt_sealed IS NULL)";
    let kept = sql.text(&format!("SELECT {kept} AS value FROM inquiry WHERE {rows}"));
    assert!(["begun true", "begun 1"].contains(&kept.as_str()), "{what}: {kept}");
}

/// Each refused answer is an act of the asker's room.
async fn expect_failures_on_record(supervisor: &Desk) {
    let page = ListPage { from: 0, limit: 1_000 };
    let log: OperationLog = supervisor.room(OPERATION_LOG_LIST, &page).await.unwrap();
    let failed = log.entries.iter().filter(|line| line.entry.result == "answer-refused").count();
    let lies = ABOUT_THE_ANSWER.len() + ABOUT_THE_RECEIPT.len() + ABOUT_WHAT_HAPPENED.len();
    assert_eq!(failed, lies);
}
