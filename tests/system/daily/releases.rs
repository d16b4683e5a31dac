//! A protected person's record leaves only by two persons, who have both seen exactly what leaves.

use domain::{NoticeKind, Outcome};
use uuid::Uuid;
use watari::story::cast::Person;
use wire::CallError;
use wire::notices::{
    AdoptNotice, HELD_LIST, HELD_REFUSE, HELD_RELEASE, HELD_SHOW, HeldContent, HeldDecided,
    HeldInquiries, HeldInquiry, HeldState, ListHeld, NOTICES_ADOPT, NameHeld, NoticeAdopted,
    NoticeEffect, NoticeState, ReleaseHeld,
};
use wire::partition::{
    AskAnswer, AskOutcome, DISCLOSURES, Disclose, Disclosure, RegisterVaccination, VACCINATIONS,
    VaccinationRegistered,
};
use wire::records::{
    FindRecords, FlagSubject, PersonRecords, RECORDS_FIND, SUBJECTS_FLAG, SourceKind,
    SubjectFlagged,
};
use wire::{Base64Bytes, WireNumber};

use super::notices::{adopt, right};
use super::towns::Towns;
use crate::support::{Engine, RUNTIME, dose, fresh_number, question};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// A withheld person of Adachi about whom Koriyama has asked in vain.
struct Scene {
    number: u32,
    /// In Adachi.
    subject: Uuid,
    /// In Koriyama.
    newcomer: Uuid,
    answer: AskAnswer,
}

impl Towns {
    async fn withheld(&self) -> Scene {
        let cast = &self.world.cast;
        let number = fresh_number();
        let subject = self.live(&cast.adachi.clerk, number, &[dose(1)]).await;
        let supervisor = self.desk(&self.adachi.supervisors[0]).await;
        supervisor.withhold(subject, true).await.unwrap();
        let newcomer = self.live(&cast.koriyama.clerk, number, &[]).await;
        let clerk = self.desk(&cast.koriyama.clerk).await;
        let answer = clerk.ask(&question(number, cast.adachi.code)).await.unwrap();
        assert_eq!(answer.outcome, AskOutcome::Nothing);
        Scene { number, subject, newcomer, answer }
    }

    async fn held(&self, scene: &Scene, with_decided: bool) -> Option<HeldInquiry> {
        let page = ListHeld { with_decided, from: 0, limit: 100 };
        let desk = self.desk(&self.adachi.supervisors[0]).await;
        let found: HeldInquiries = desk.room(HELD_LIST, &page).await.unwrap();
        found.held.into_iter().find(|one| one.inquiry == scene.answer.inquiry)
    }

    async fn show(&self, who: &Person, scene: &Scene) -> HeldContent {
        let name = NameHeld { inquiry: scene.answer.inquiry };
        self.desk(who).await.room(HELD_SHOW, &name).await.unwrap()
    }

    async fn release(
        &self,
        who: &Person,
        scene: &Scene,
        digest: &Base64Bytes,
    ) -> Result<HeldState, String> {
        let body = ReleaseHeld { inquiry: scene.answer.inquiry, digest: digest.clone() };
        let done = self.desk(who).await.room::<HeldDecided>(HELD_RELEASE, &body).await;
        done.map(|done| done.state).map_err(|error| code(&error))
    }
}

fn code(error: &CallError) -> String {
    error.problem().map(|problem| problem.code.clone()).unwrap_or_default()
}

#[test]
fn two_persons_release_exactly_the_bytes_that_both_saw() {
    for engine in BOTH {
        RUNTIME.block_on(async {
            let towns = Towns::start(engine).await;
            release(&towns).await;
            refuse(&towns).await;
            stop(&towns).await;
            correct_before_adoption(&towns).await;
            towns.stop().await;
        });
    }
}

async fn release(towns: &Towns) {
    let scene = towns.withheld().await;
    let [one, other] = &towns.adachi.supervisors;
    let held = towns.held(&scene, false).await.unwrap();
    assert_eq!(held.inquirer, towns.world.cast.koriyama.code);
    assert_eq!((held.subject, held.state), (scene.subject, HeldState::Pending));
    assert_eq!(
        (held.procedure.as_str(), held.legal_basis.as_str()),
        ("transfer-in", "number-act-19-16")
    );
    let shown = towns.show(one, &scene).await;
    assert_eq!(shown.content, serde_json::to_string(&[dose(1)]).unwrap());
    let digest = shown.digest;
    // One person, however often, is one person.
    assert_eq!(towns.release(one, &scene, &digest).await, Ok(HeldState::Pending));
    let again = towns.release(one, &scene, &digest).await;
    assert_eq!(again, Err("second-person-needed".to_owned()));
    assert_eq!(towns.held(&scene, false).await.unwrap().proposed_by, Some(one.id.to_string()));
    // The record changes before the second person confirms: both begin anew.
    let clerk = towns.desk(&towns.adachi.clerk).await;
    let second = RegisterVaccination { subject: scene.subject, vaccination: dose(2) };
    clerk.room::<VaccinationRegistered>(VACCINATIONS, &second).await.unwrap();
    assert_eq!(towns.release(other, &scene, &digest).await, Err("held-changed".to_owned()));
    assert_eq!(towns.held(&scene, false).await.unwrap().proposed_by, None);
    let digest = towns.show(other, &scene).await.digest;
    assert_eq!(towns.release(other, &scene, &digest).await, Ok(HeldState::Pending));
    let forged = Base64Bytes(vec![7; 32]);
    assert_eq!(towns.release(one, &scene, &forged).await, Err("held-changed".to_owned()));
    assert_eq!(towns.release(other, &scene, &digest).await, Ok(HeldState::Pending));
    assert_eq!(towns.release(one, &scene, &digest).await, Ok(HeldState::Released));
    assert_eq!(towns.release(one, &scene, &digest).await, Ok(HeldState::Released), "a retry");
    assert_eq!(towns.release(other, &scene, &digest).await, Err("held-decided".to_owned()));
    adopt_released(towns, &scene).await;
}

/// Whoever had asked sees it, adopts it, and the log knows of it.
async fn adopt_released(towns: &Towns, scene: &Scene) {
    let cast = &towns.world.cast;
    let clerk = &cast.koriyama.clerk;
    let notice = towns.notices(clerk, scene.newcomer, 1).await.remove(0);
    assert_eq!((notice.kind, notice.effect), (NoticeKind::Released, NoticeEffect::Fits));
    assert_eq!(notice.now, [dose(1), dose(2)]);
    let body = AdoptNotice { notice: notice.notice, etag: notice.etag, keep_own: false };
    let desk = towns.desk(clerk).await;
    let adopted: NoticeAdopted = desk.room(NOTICES_ADOPT, &body).await.unwrap();
    assert_eq!((adopted.state, adopted.vaccinations.len()), (NoticeState::Adopted, 2));
    let again: NoticeAdopted = desk.room(NOTICES_ADOPT, &body).await.unwrap();
    assert_eq!(again, adopted);
    let doses = towns.doses(clerk, scene.newcomer).await;
    assert!(doses.iter().all(|one| one.source.kind == SourceKind::Adopted));
    let released = towns.entries(Outcome::Released).await;
    let ways: Vec<_> = released.values().map(|one| one.entry.inquiry).collect();
    assert_eq!(ways, [scene.answer.inquiry]);
    let number = domain::IndividualNumber::for_test(scene.number);
    let wanted = Disclose { individual_number: WireNumber(number) };
    let supervisor = towns.desk(&towns.adachi.supervisors[0]).await;
    let told: Disclosure = supervisor.room(DISCLOSURES, &wanted).await.unwrap();
    let outcomes: Vec<_> = told.received.iter().map(|one| one.outcome).collect();
    assert_eq!(outcomes, [Outcome::Released]);
    assert!(told.received[0].receipt.is_some());
    // What was released is corrected like anything that was provided.
    let mut right = dose(1);
    right.lot = "RIGHT1".to_owned();
    assert_eq!(towns.correct(&cast.adachi.clerk, scene.subject, right.clone()).await, 1);
    let notice = towns.notices(clerk, scene.newcomer, 2).await.remove(0);
    assert_eq!((notice.kind, notice.now), (NoticeKind::Corrected, vec![right]));
}

async fn refuse(towns: &Towns) {
    let scene = towns.withheld().await;
    let name = NameHeld { inquiry: scene.answer.inquiry };
    let clerk = towns.desk(&towns.adachi.clerk).await;
    for path in [HELD_SHOW, HELD_REFUSE] {
        let denied = clerk.room::<serde_json::Value>(path, &name).await.unwrap_err();
        assert_eq!(code(&denied), "denied", "{path}");
    }
    // Another room's supervisor does not even learn that there is such an inquiry.
    let stranger = towns.desk(&towns.chiyoda.supervisors[0]).await;
    let nothing = stranger.room::<HeldContent>(HELD_SHOW, &name).await.unwrap_err();
    assert_eq!(code(&nothing), "not-found");
    let supervisor = towns.desk(&towns.adachi.supervisors[1]).await;
    let digest = towns.show(&towns.adachi.supervisors[0], &scene).await.digest;
    let done: HeldDecided = supervisor.room(HELD_REFUSE, &name).await.unwrap();
    assert_eq!(done.state, HeldState::Refused);
    let late = towns.release(&towns.adachi.supervisors[0], &scene, &digest).await;
    assert_eq!(late, Err("held-decided".to_owned()));
    assert_eq!(towns.held(&scene, true).await.unwrap().state, HeldState::Refused);
}

/// What was corrected after the release is not adopted as it was released.
async fn correct_before_adoption(towns: &Towns) {
    let scene = towns.withheld().await;
    let [one, other] = &towns.adachi.supervisors;
    let digest = towns.show(one, &scene).await.digest;
    assert_eq!(towns.release(one, &scene, &digest).await, Ok(HeldState::Pending));
    assert_eq!(towns.release(other, &scene, &digest).await, Ok(HeldState::Released));
    let clerk = &towns.world.cast.koriyama.clerk;
    towns.notices(clerk, scene.newcomer, 1).await;
    let adachi = &towns.world.cast.adachi.clerk;
    assert_eq!(towns.correct(adachi, scene.subject, right()).await, 1);
    let desk = towns.desk(clerk).await;
    let mut told = towns.notices(clerk, scene.newcomer, 2).await;
    told.sort_by_key(|one| one.kind != NoticeKind::Corrected);
    for notice in told {
        adopt(&desk, &notice).await;
    }
    let doses = towns.doses(clerk, scene.newcomer).await;
    let doses: Vec<_> = doses.iter().map(|one| (&one.dose, one.version)).collect();
    assert_eq!(doses, [(&right(), 2)]);
}

/// 利用停止: what the municipality may not use, it gives to nobody, not even by two persons.
async fn stop(towns: &Towns) {
    let scene = towns.withheld().await;
    let [one, other] = &towns.adachi.supervisors;
    let digest = towns.show(one, &scene).await.digest;
    assert_eq!(towns.release(one, &scene, &digest).await, Ok(HeldState::Pending));
    let desk = towns.desk(one).await;
    let way = FindRecords { subject: Some(scene.subject), ..FindRecords::default() };
    let found: PersonRecords = desk.room(RECORDS_FIND, &way).await.unwrap();
    let flag =
        FlagSubject { stopped: Some(true), ..FlagSubject::new(scene.subject, "停止の請求") };
    let tag = &found.subject.etag;
    desk.room_if_match::<SubjectFlagged>(SUBJECTS_FLAG, tag, &flag).await.unwrap();
    let refused = towns.release(other, &scene, &digest).await;
    assert_eq!(refused, Err("use-stopped".to_owned()));
    assert_eq!(towns.held(&scene, false).await.unwrap().state, HeldState::Pending);
}

#[test]
fn what_nobody_decides_in_time_is_not_released() {
    for engine in BOTH {
        RUNTIME.block_on(async {
            let hasty = |settings: &mut watari::Settings| {
                settings.partition.as_mut().unwrap().limits.held_s_max = 2;
            };
            let towns = Towns::start_with(engine, hasty).await;
            time_out(&towns).await;
            towns.stop().await;
        });
    }
}

async fn time_out(towns: &Towns) {
    let scene = towns.withheld().await;
    let [one, other] = &towns.adachi.supervisors;
    let text = serde_json::to_string(&[dose(1)]).unwrap();
    let digest = Base64Bytes(crypto::sha256(text.as_bytes()).to_vec());
    assert_eq!(towns.release(one, &scene, &digest).await, Ok(HeldState::Pending));
    let ended = async || towns.held(&scene, true).await.unwrap().state == HeldState::TimedOut;
    for _ in 0..100 {
        if ended().await {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(ended().await);
    assert_eq!(towns.release(other, &scene, &digest).await, Err("held-decided".to_owned()));
    assert!(towns.held(&scene, false).await.is_none());
    assert!(towns.entries(Outcome::Released).await.is_empty());
}
