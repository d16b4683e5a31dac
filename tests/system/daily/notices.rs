//! A correction follows the record: to everybody who received it, to nobody else, once.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::vaccination::Vaccination;
use domain::{MunicipalityCode, Outcome, RequestId, ServiceKind};
use uuid::Uuid;
use watari::story::cast::Person;
use watari::story::desk::Desk;
use watari::story::residents::Resident;
use wire::notices::{
    AdoptNotice, ListNotices, NOTICES_ADOPT, NOTICES_LIST, Notice, NoticeAdopted, NoticeEffect,
    NoticeState, Notices,
};
use wire::partition::{
    ListPage, OPERATION_LOG_LIST, OperationLog, RegisterVaccination, VACCINATIONS,
    VaccinationRegistered,
};
use wire::provision_log::{IndexedEntry, ListOutcomes, OUTCOMES_LIST, Outcomes};
use wire::records::{
    ADOPTIONS, AdoptDoses, Adoption, AllDoses, ChosenDoses, CorrectVaccination, DoseVersion,
    FindRecords, PersonRecords, RECORDS_FIND, SourceKind, VACCINATIONS_CORRECT,
    VACCINATIONS_WITHDRAW, VaccinationChanged, WithdrawVaccination,
};

use super::towns::Towns;
use crate::support::{Engine, RUNTIME, dose, fresh_number, question};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// The dose as it should have been written.
pub(super) fn right() -> Vaccination {
    let mut right = dose(1);
    right.lot = "RIGHT1".to_owned();
    right
}

impl Towns {
    /// A person in a town's register, with these doses.
    pub(super) async fn live(&self, person: &Person, number: u32, doses: &[Vaccination]) -> Uuid {
        let desk = self.desk(person).await;
        let resident = Resident { serial: number, doses: Vec::new() };
        let subject = desk.register_subject(&resident.to_request()).await.unwrap();
        for vaccination in doses.iter().cloned() {
            let dose = RegisterVaccination { subject, vaccination };
            desk.room::<VaccinationRegistered>(VACCINATIONS, &dose).await.unwrap();
        }
        subject
    }

    /// The person moves: the new town asks the old one and adopts all.
    pub(super) async fn move_to(
        &self,
        person: &Person,
        number: u32,
        from: MunicipalityCode,
    ) -> Uuid {
        let subject = self.live(person, number, &[]).await;
        let desk = self.desk(person).await;
        let answer = desk.ask_until_definite(&question(number, from)).await.unwrap();
        assert!(!answer.vaccinations.is_empty());
        let doses = ChosenDoses::All(AllDoses::All);
        let adopt = AdoptDoses { inquiry: answer.inquiry, doses };
        desk.room::<Adoption>(ADOPTIONS, &adopt).await.unwrap();
        subject
    }

    pub(super) async fn doses(&self, person: &Person, subject: Uuid) -> Vec<DoseVersion> {
        let way = FindRecords { subject: Some(subject), ..FindRecords::default() };
        let found: PersonRecords = self.desk(person).await.room(RECORDS_FIND, &way).await.unwrap();
        found.doses
    }

    /// Corrects a person's first dose; how many are told comes back.
    pub(super) async fn correct(&self, person: &Person, subject: Uuid, dose: Vaccination) -> usize {
        let read = self.doses(person, subject).await.remove(0);
        let reason = "ロット番号の誤記".to_owned();
        let body = CorrectVaccination { subject, vaccination: read.vaccination, dose, reason };
        let desk = self.desk(person).await;
        let changed: VaccinationChanged =
            desk.room_if_match(VACCINATIONS_CORRECT, &read.etag, &body).await.unwrap();
        changed.notices
    }

    pub(super) async fn withdraw(&self, person: &Person, subject: Uuid) -> usize {
        let read = self.doses(person, subject).await.remove(0);
        let reason = "別の人の接種".to_owned();
        let body = WithdrawVaccination { subject, vaccination: read.vaccination, reason };
        let desk = self.desk(person).await;
        let changed: VaccinationChanged =
            desk.room_if_match(VACCINATIONS_WITHDRAW, &read.etag, &body).await.unwrap();
        changed.notices
    }

    /// Every entry of these kinds that any of the towns took part in, by place in the log.
    pub(super) async fn entries(&self, wanted: Outcome) -> BTreeMap<u64, IndexedEntry> {
        let cast = &self.world.cast;
        let (first, second) = ("partition", "second");
        let towns = [
            (first, cast.adachi.code),
            (first, cast.koriyama.code),
            (first, cast.uruma.code),
            (second, self.chiyoda.code),
            (second, self.utsunomiya.code),
        ];
        let mut all = BTreeMap::new();
        for (holder, municipality) in towns {
            let client = self.world.site.client(holder, ServiceKind::ProvisionLog).unwrap();
            let page = ListOutcomes { municipality, from_index: 0, limit: 1_000 };
            let request = RequestId::make_random();
            let found: Outcomes = client.post(OUTCOMES_LIST, &request, None, &page).await.unwrap();
            let found = found.entries.into_iter().filter(|one| one.entry.outcome == wanted);
            all.extend(found.map(|one| (one.index, one)));
        }
        all
    }

    /// What a town's operation log says of notices that came.
    async fn received_lines(&self, supervisor: &Person) -> Vec<String> {
        let desk = self.desk(supervisor).await;
        let page = ListPage { from: 0, limit: 1_000 };
        let log: OperationLog = desk.room(OPERATION_LOG_LIST, &page).await.unwrap();
        let lines = log.entries.into_iter().map(|one| one.entry);
        lines.filter(|line| line.act == "ReceiveNotice").map(|line| line.result).collect()
    }

    /// Waits until a town has so many notices about a person.
    pub(super) async fn notices(
        &self,
        person: &Person,
        subject: Uuid,
        count: usize,
    ) -> Vec<Notice> {
        let desk = self.desk(person).await;
        for _ in 0..200 {
            let found = list(&desk, subject).await;
            if found.len() >= count {
                assert_eq!(found.len(), count);
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{} gets no notice", person.id);
    }
}

pub(super) async fn list(desk: &Desk, subject: Uuid) -> Vec<Notice> {
    let page = ListNotices { only_open: false, from: 0, limit: 100 };
    let all: Notices = desk.room(NOTICES_LIST, &page).await.unwrap();
    all.notices.into_iter().filter(|one| one.subject == subject).collect()
}

pub(super) async fn adopt(desk: &Desk, notice: &Notice) -> NoticeAdopted {
    let body = AdoptNotice { notice: notice.notice, etag: notice.etag.clone(), keep_own: false };
    desk.room(NOTICES_ADOPT, &body).await.unwrap()
}

/// A little longer than two rounds of sending.
pub(super) async fn quiet() {
    tokio::time::sleep(Duration::from_millis(2_500)).await;
}

#[test]
fn a_correction_after_three_moves_reaches_exactly_the_three_holders() {
    for engine in BOTH {
        RUNTIME.block_on(async {
            let towns = Towns::start(engine).await;
            after_three_moves(&towns).await;
            towns.stop().await;
        });
    }
}

async fn after_three_moves(towns: &Towns) {
    let cast = &towns.world.cast;
    let (adachi, koriyama, uruma) = (&cast.adachi, &cast.koriyama, &cast.uruma);
    let (chiyoda, number) = (&towns.chiyoda, fresh_number());
    let first = towns.live(&adachi.clerk, number, &[dose(1), dose(2)]).await;
    let holders = [
        (&koriyama.clerk, towns.move_to(&koriyama.clerk, number, adachi.code).await),
        (&uruma.clerk, towns.move_to(&uruma.clerk, number, koriyama.code).await),
        (&chiyoda.clerk, towns.move_to(&chiyoda.clerk, number, uruma.code).await),
    ];
    // The same person, who never moved to Utsunomiya from any of them.
    let stranger = towns.live(&towns.utsunomiya.clerk, number, &[dose(1)]).await;

    assert_eq!(towns.correct(&adachi.clerk, first, right()).await, 1, "its own recipient");
    for (clerk, subject) in holders {
        let notice = towns.notices(clerk, subject, 1).await.remove(0);
        assert_eq!((notice.state, notice.effect), (NoticeState::Open, NoticeEffect::Fits));
        assert_eq!((notice.earlier.clone(), notice.now.clone()), (vec![dose(1)], vec![right()]));
        let desk = towns.desk(clerk).await;
        let adopted = adopt(&desk, &notice).await;
        assert_eq!((adopted.state, adopted.vaccinations.len()), (NoticeState::Adopted, 1));
        assert_eq!(adopt(&desk, &notice).await, adopted, "again changes nothing");
        let doses = towns.doses(clerk, subject).await;
        assert_eq!(
            doses.iter().map(|one| one.dose.clone()).collect::<Vec<_>>(),
            [right(), dose(2)]
        );
        assert_eq!((doses[0].version, doses[0].source.kind), (2, SourceKind::Noticed));
    }
    quiet().await;
    let corrected = towns.entries(Outcome::Corrected).await;
    let mut ways: Vec<_> =
        corrected.values().map(|one| (one.entry.provider, one.entry.inquirer)).collect();
    ways.sort_unstable();
    let mut wanted =
        vec![(adachi.code, koriyama.code), (koriyama.code, uruma.code), (uruma.code, chiyoda.code)];
    wanted.sort_unstable();
    assert_eq!(ways, wanted, "each once, and nobody else");
    for (clerk, subject) in holders {
        towns.notices(clerk, subject, 1).await;
    }
    let outsider = &towns.utsunomiya;
    assert!(list(&towns.desk(&outsider.clerk).await, stranger).await.is_empty());
    assert!(towns.received_lines(&outsider.supervisors[0]).await.is_empty());
    assert!(towns.received_lines(&cast.adachi.supervisor).await.is_empty());
    assert_eq!(towns.received_lines(&chiyoda.supervisors[0]).await, ["received"]);
}

#[test]
fn a_recipient_that_is_away_gets_its_notice_later_and_stops_nobody() {
    for engine in BOTH {
        RUNTIME.block_on(async {
            let mut towns = Towns::start(engine).await;
            one_is_away(&mut towns).await;
            towns.stop().await;
        });
    }
}

async fn one_is_away(towns: &mut Towns) {
    let adachi = towns.world.cast.adachi.clone();
    let koriyama = towns.world.cast.koriyama.clerk.clone();
    let uruma = towns.world.cast.uruma.clerk.clone();
    let chiyoda = towns.chiyoda.clerk.clone();
    let number = fresh_number();
    let first = towns.live(&adachi.clerk, number, &[dose(1)]).await;
    let near = towns.move_to(&koriyama, number, adachi.code).await;
    let also = towns.move_to(&uruma, number, adachi.code).await;
    let far = towns.move_to(&chiyoda, number, adachi.code).await;
    towns.stop_second().await;
    assert_eq!(towns.correct(&adachi.clerk, first, right()).await, 3);
    for (clerk, subject) in [(&koriyama, near), (&uruma, also)] {
        let notice = towns.notices(clerk, subject, 1).await.remove(0);
        assert_eq!(notice.now, [right()]);
    }
    quiet().await;
    // On record, but not there yet: the broker puts on record first.
    assert_eq!(towns.entries(Outcome::Corrected).await.len(), 3);
    // Meanwhile it is taken back altogether.
    assert_eq!(towns.withdraw(&adachi.clerk, first).await, 3);
    towns.start_second().await;
    let told = towns.notices(&chiyoda, far, 2).await;
    // In whatever order they come.
    let newest = told.iter().find(|one| one.now.is_empty()).unwrap();
    let oldest = told.iter().find(|one| one.now == [right()]).unwrap();
    assert_eq!((oldest.state, newest.state), (NoticeState::Superseded, NoticeState::Open));
    assert_eq!(newest.earlier, [dose(1), right()]);
    let desk = towns.desk(&chiyoda).await;
    adopt(&desk, newest).await;
    let doses = towns.doses(&chiyoda, far).await;
    assert_eq!(doses[0].standing, domain::vaccination::Standing::Withdrawn);
    quiet().await;
    assert_eq!(towns.entries(Outcome::Corrected).await.len(), 6, "each once");
}

#[test]
fn what_the_receiver_changed_itself_is_shown_and_not_overwritten() {
    for engine in BOTH {
        RUNTIME.block_on(async {
            let towns = Towns::start(engine).await;
            changed_meanwhile(&towns).await;
            towns.stop().await;
        });
    }
}

async fn changed_meanwhile(towns: &Towns) {
    let cast = &towns.world.cast;
    let clerk = &cast.koriyama.clerk;
    let desk = towns.desk(clerk).await;
    let number = fresh_number();
    let first = towns.live(&cast.adachi.clerk, number, &[dose(1)]).await;
    let subject = towns.move_to(clerk, number, cast.adachi.code).await;
    let mut own = dose(1);
    own.lot = "OWN001".to_owned();
    assert_eq!(towns.correct(clerk, subject, own.clone()).await, 0, "nobody received it from here");
    towns.correct(&cast.adachi.clerk, first, right()).await;
    let notice = towns.notices(clerk, subject, 1).await.remove(0);
    assert_eq!((notice.effect, notice.own.clone()), (NoticeEffect::Conflict, vec![own.clone()]));
    let mut body =
        AdoptNotice { notice: notice.notice, etag: notice.etag.clone(), keep_own: false };
    let refused = desk.room::<NoticeAdopted>(NOTICES_ADOPT, &body).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().code, "notice-conflict");
    body.etag = "0".repeat(32);
    let refused = desk.room::<NoticeAdopted>(NOTICES_ADOPT, &body).await.unwrap_err();
    assert_eq!(refused.problem().unwrap().code, "notice-changed");
    body = AdoptNotice { keep_own: true, etag: notice.etag, ..body };
    let kept: NoticeAdopted = desk.room(NOTICES_ADOPT, &body).await.unwrap();
    assert_eq!((kept.state, kept.vaccinations.len()), (NoticeState::Kept, 0));
    assert_eq!(towns.doses(clerk, subject).await[0].dose, own);
    // A dose that was received and never adopted: there is nothing to change.
    let number = fresh_number();
    let first = towns.live(&cast.adachi.clerk, number, &[dose(1)]).await;
    let subject = towns.live(clerk, number, &[]).await;
    desk.ask(&question(number, cast.adachi.code)).await.unwrap();
    towns.correct(&cast.adachi.clerk, first, right()).await;
    let notice = towns.notices(clerk, subject, 1).await.remove(0);
    assert_eq!(notice.effect, NoticeEffect::NotHere);
    assert_eq!(adopt(&desk, &notice).await.state, NoticeState::Seen);
    assert!(towns.doses(clerk, subject).await.is_empty());
    // Nobody asked about this one: nobody is told.
    let quiet = towns.live(&cast.adachi.clerk, fresh_number(), &[dose(1)]).await;
    assert_eq!(towns.correct(&cast.adachi.clerk, quiet, right()).await, 0);
}
