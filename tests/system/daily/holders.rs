//! Who holds a dose by ways of its own: late, by two ways at once, or no more.

use crypto::KeyStore;
use domain::vaccination::{Standing, Vaccination};
use domain::{Outcome, ServiceKind};
use uuid::Uuid;
use watari::story::desk::Desk;
use wire::notices::{
    AdoptNotice, ListNotices, NOTICES_ADOPT, NOTICES_SENT, NoticeAdopted, NoticeEffect,
    NoticeState, SentNotice, SentNotices, SentState,
};
use wire::partition::{AskAnswer, ListPage, OPERATION_LOG_LIST, OperationLog};
use wire::records::{ADOPTIONS, AdoptDoses, Adoption, AllDoses, ChosenDoses};

use super::notices::{adopt, quiet, right};
use super::towns::Towns;
use crate::support::{Engine, RUNTIME, dose, fresh_number, question};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

fn with_lot(lot: &str) -> Vaccination {
    Vaccination { lot: lot.to_owned(), ..dose(1) }
}

async fn adopt_answer(desk: &Desk, answer: &AskAnswer) -> Adoption {
    let doses = ChosenDoses::All(AllDoses::All);
    desk.room(ADOPTIONS, &AdoptDoses { inquiry: answer.inquiry, doses }).await.unwrap()
}

#[test]
fn an_answer_adopted_late_brings_no_mistake_back() {
    for engine in BOTH {
        RUNTIME.block_on(async {
            let towns = Towns::start(engine).await;
            corrected_meanwhile(&towns).await;
            withdrawn_meanwhile(&towns).await;
            towns.stop().await;
        });
    }
}

#[test]
fn a_dose_that_is_back_in_force_comes_back_to_whoever_took_it_back_as_told_and_to_nobody_else() {
    for engine in BOTH {
        RUNTIME.block_on(async {
            let towns = Towns::start(engine).await;
            back_in_force(&towns).await;
            towns.stop().await;
        });
    }
}

/// Koriyama took the dose back as it was told, Uruma by itself.
async fn back_in_force(towns: &Towns) {
    let cast = &towns.world.cast;
    let (koriyama, uruma) = (&cast.koriyama.clerk, &cast.uruma.clerk);
    let number = fresh_number();
    let first = towns.live(&cast.adachi.clerk, number, &[dose(1)]).await;
    let told = towns.move_to(koriyama, number, cast.adachi.code).await;
    let own = towns.move_to(uruma, number, cast.adachi.code).await;
    towns.withdraw(&cast.adachi.clerk, first).await;
    let notice = towns.notices(koriyama, told, 1).await.remove(0);
    adopt(&towns.desk(koriyama).await, &notice).await;
    towns.withdraw(uruma, own).await;
    towns.correct(&cast.adachi.clerk, first, dose(1)).await;
    let effect = async |clerk, subject| {
        let notices = towns.notices(clerk, subject, 2).await;
        notices.into_iter().find(|one| one.now == [dose(1)]).unwrap()
    };
    let notice = effect(koriyama, told).await;
    assert_eq!(notice.effect, NoticeEffect::Fits);
    adopt(&towns.desk(koriyama).await, &notice).await;
    let doses = towns.doses(koriyama, told).await;
    assert_eq!((doses[0].version, doses[0].standing), (3, Standing::InForce));
    assert_eq!(effect(uruma, own).await.effect, NoticeEffect::Conflict);
}

/// A dose that Koriyama has received and not adopted, before and after its notice was closed.
async fn received(towns: &Towns, is_withdrawn: bool) -> (Desk, Uuid, AskAnswer) {
    let cast = &towns.world.cast;
    let clerk = &cast.koriyama.clerk;
    let number = fresh_number();
    let first = towns.live(&cast.adachi.clerk, number, &[dose(1), dose(2)]).await;
    let subject = towns.live(clerk, number, &[]).await;
    let desk = towns.desk(clerk).await;
    let answer = desk.ask(&question(number, cast.adachi.code)).await.unwrap();
    if is_withdrawn {
        towns.withdraw(&cast.adachi.clerk, first).await;
    } else {
        towns.correct(&cast.adachi.clerk, first, right()).await;
    }
    let notice = towns.notices(clerk, subject, 1).await.remove(0);
    assert_eq!(notice.effect, NoticeEffect::NotHere);
    assert_eq!(adopt(&desk, &notice).await.state, NoticeState::Seen);
    (desk, subject, answer)
}

async fn corrected_meanwhile(towns: &Towns) {
    let (desk, subject, answer) = received(towns, false).await;
    let adoption = adopt_answer(&desk, &answer).await;
    let adopted: Vec<_> = adoption.adopted.iter().map(|one| (&one.dose, one.version)).collect();
    assert_eq!(adopted, [(&right(), 2), (&dose(2), 1)]);
    assert!(adoption.conflicts.is_empty());
    let doses = towns.doses(&towns.world.cast.koriyama.clerk, subject).await;
    assert_eq!(doses, adoption.adopted);
    let again = adopt_answer(&desk, &answer).await;
    assert_eq!((again.adopted, again.conflicts), (Vec::new(), Vec::new()));
    assert_eq!(again.already_there, adoption.adopted);
}

async fn withdrawn_meanwhile(towns: &Towns) {
    let (desk, subject, answer) = received(towns, true).await;
    let adoption = adopt_answer(&desk, &answer).await;
    let standings = |doses: &[wire::records::DoseVersion]| {
        doses.iter().map(|one| (one.dose.dose_number, one.standing)).collect::<Vec<_>>()
    };
    let wanted = [(1, Standing::Withdrawn), (2, Standing::InForce)];
    assert_eq!(standings(&adoption.adopted), wanted);
    let doses = towns.doses(&towns.world.cast.koriyama.clerk, subject).await;
    assert_eq!(standings(&doses), wanted);
}

#[test]
fn who_holds_a_dose_by_two_ways_is_told_once_and_of_each_version_that_came() {
    for engine in BOTH {
        RUNTIME.block_on(async {
            let towns = Towns::start(engine).await;
            two_ways(&towns).await;
            two_versions(&towns).await;
            towns.stop().await;
        });
    }
}

/// From Adachi to Koriyama and to Uruma, and from both to Chiyoda.
async fn two_ways(towns: &Towns) {
    let cast = &towns.world.cast;
    let (koriyama, uruma) = (&cast.koriyama, &cast.uruma);
    let chiyoda = &towns.chiyoda.clerk;
    let number = fresh_number();
    let first = towns.live(&cast.adachi.clerk, number, &[dose(1)]).await;
    towns.move_to(&koriyama.clerk, number, cast.adachi.code).await;
    towns.move_to(&uruma.clerk, number, cast.adachi.code).await;
    let subject = towns.move_to(chiyoda, number, koriyama.code).await;
    let desk = towns.desk(chiyoda).await;
    desk.ask(&question(number, uruma.code)).await.unwrap();
    assert_eq!(towns.correct(&cast.adachi.clerk, first, right()).await, 2);
    towns.notices(chiyoda, subject, 1).await;
    quiet().await;
    assert_eq!(towns.entries(Outcome::Corrected).await.len(), 4, "both ways are on record");
    let notice = towns.notices(chiyoda, subject, 1).await.remove(0);
    assert_eq!(adopt(&desk, &notice).await.state, NoticeState::Adopted);
    assert_eq!(towns.doses(chiyoda, subject).await[0].dose, right());
}

/// Koriyama keeps the first version, Uruma has the second; Chiyoda has asked both and adopted the
/// second.
async fn two_versions(towns: &Towns) {
    let cast = &towns.world.cast;
    let (koriyama, uruma) = (&cast.koriyama, &cast.uruma);
    let chiyoda = &towns.chiyoda.clerk;
    let number = fresh_number();
    let first = towns.live(&cast.adachi.clerk, number, &[dose(1)]).await;
    let kept = towns.move_to(&koriyama.clerk, number, cast.adachi.code).await;
    towns.correct(&cast.adachi.clerk, first, with_lot("SECOND")).await;
    let notice = towns.notices(&koriyama.clerk, kept, 1).await.remove(0);
    let keep = AdoptNotice { notice: notice.notice, etag: notice.etag, keep_own: true };
    let desk = towns.desk(&koriyama.clerk).await;
    desk.room::<NoticeAdopted>(NOTICES_ADOPT, &keep).await.unwrap();
    towns.move_to(&uruma.clerk, number, cast.adachi.code).await;
    let subject = towns.move_to(chiyoda, number, uruma.code).await;
    let desk = towns.desk(chiyoda).await;
    let other = desk.ask(&question(number, koriyama.code)).await.unwrap();
    assert_eq!(other.vaccinations, [dose(1)]);
    towns.correct(&cast.adachi.clerk, first, with_lot("THIRD")).await;
    let told = towns.notices(chiyoda, subject, 2).await;
    let effect = |lot: &str| {
        let about = told.iter().find(|one| one.earlier == [with_lot(lot)]).unwrap();
        (about.state, about.effect)
    };
    assert_eq!(effect(&dose(1).lot), (NoticeState::Open, NoticeEffect::NotHere));
    assert_eq!(effect("SECOND"), (NoticeState::Open, NoticeEffect::Fits));
    for notice in &told {
        let now = towns.notices(chiyoda, subject, 2).await;
        let now = now.iter().find(|one| one.notice == notice.notice).unwrap();
        adopt(&desk, now).await;
    }
    assert_eq!(towns.doses(chiyoda, subject).await[0].dose, with_lot("THIRD"));
}

#[test]
fn a_notice_to_a_room_that_is_closed_for_good_ends_and_staff_see_it() {
    for engine in BOTH {
        RUNTIME.block_on(async {
            let mut towns = Towns::start(engine).await;
            closed_for_good(&mut towns).await;
            towns.stop().await;
        });
    }
}

async fn sent(desk: &Desk, subject: Uuid) -> Vec<SentNotice> {
    let page = ListNotices { only_open: true, from: 0, limit: 100 };
    let sent: SentNotices = desk.room(NOTICES_SENT, &page).await.unwrap();
    sent.notices.into_iter().filter(|one| one.subject == subject).collect()
}

async fn closed_for_good(towns: &mut Towns) {
    let adachi = towns.world.cast.adachi.clone();
    let chiyoda = towns.chiyoda.code;
    let number = fresh_number();
    let first = towns.live(&adachi.clerk, number, &[dose(1)]).await;
    towns.move_to(&towns.chiyoda.clerk, number, adachi.code).await;
    towns.stop_second().await;
    towns.correct(&adachi.clerk, first, right()).await;
    quiet().await;
    let desk = towns.desk(&adachi.clerk).await;
    let waiting = sent(&desk, first).await.remove(0);
    assert_eq!((waiting.recipient, waiting.state), (chiyoda, SentState::Logged), "only away");
    assert!(waiting.tries > 0);
    let site = towns.second.site();
    let keys = &site.settings.partition().unwrap().keys;
    let store = KeyStore::open(&keys.key_encryption_key, &keys.folder).unwrap();
    store.close_room(chiyoda).unwrap();
    towns.start_second().await;
    for _ in 0..100 {
        if sent(&desk, first).await[0].state == SentState::Gone {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let ended = sent(&desk, first).await.remove(0);
    assert_eq!(ended.state, SentState::Gone);
    quiet().await;
    assert_eq!(sent(&desk, first).await[0].tries, ended.tries, "it is not tried again");
    let page = ListPage { from: 0, limit: 1_000 };
    let supervisor = towns.desk(&adachi.supervisor).await;
    let log: OperationLog = supervisor.room(OPERATION_LOG_LIST, &page).await.unwrap();
    let mut told = log.entries.iter().filter(|line| line.entry.subject == Some(first));
    let last = told.next_back().unwrap();
    assert_eq!(last.entry.result, "notice not delivered: the recipient has left");
    assert_eq!(last.entry.actor, format!("{}/main", ServiceKind::Partition));
}
