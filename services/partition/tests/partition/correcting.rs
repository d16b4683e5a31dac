//! Doses are corrected and taken back as further versions, each after the one that was read.

use domain::vaccination::{Standing, Vaccination};
use domain::{IndividualNumber, RequestId, Role};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use uuid::Uuid;
use wire::CallError;
use wire::partition::AskOutcome;
use wire::records::{
    CorrectVaccination, DoseVersion, FindRecords, History, PersonRecords, RECORDS_FIND,
    RECORDS_HISTORY, ReadHistory, SourceKind, VACCINATIONS_CORRECT, VACCINATIONS_WITHDRAW,
    VaccinationChanged, WithdrawVaccination,
};

use crate::world::{ADACHI, Desk, KORIYAMA, World, dose, on_both, question, refusal};

impl Desk {
    async fn doses(&self, subject: Uuid) -> Vec<DoseVersion> {
        let way = FindRecords { subject: Some(subject), ..FindRecords::default() };
        self.post::<PersonRecords>(RECORDS_FIND, &way).await.unwrap().doses
    }

    async fn dose_history(&self, subject: Uuid) -> Vec<DoseVersion> {
        let asked = ReadHistory { subject, vaccination: None };
        self.post::<History>(RECORDS_HISTORY, &asked).await.unwrap().doses
    }

    async fn correct(
        &self,
        subject: Uuid,
        read: &DoseVersion,
        dose: Vaccination,
    ) -> Result<VaccinationChanged, CallError> {
        let reason = "ロット番号の誤記".to_owned();
        let body = CorrectVaccination { subject, vaccination: read.vaccination, dose, reason };
        self.post_if(VACCINATIONS_CORRECT, &read.etag, &body).await
    }

    async fn withdraw(
        &self,
        subject: Uuid,
        read: &DoseVersion,
    ) -> Result<VaccinationChanged, CallError> {
        let reason = "別の人の接種".to_owned();
        let body = WithdrawVaccination { subject, vaccination: read.vaccination, reason };
        self.post_if(VACCINATIONS_WITHDRAW, &read.etag, &body).await
    }
}

/// A person of Adachi with one dose, as a clerk reads it.
async fn one_dose(world: &World) -> (Desk, Uuid, DoseVersion) {
    let clerk = world.desk(ADACHI, Role::Clerk);
    let subject = clerk.register(1).await;
    clerk.vaccinate(subject, dose()).await;
    let read = clerk.doses(subject).await.remove(0);
    (clerk, subject, read)
}

fn other_lot(lot: &str) -> Vaccination {
    Vaccination { lot: lot.to_owned(), ..dose() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_tells_every_version_who_made_it_and_why() {
    on_both(async |world| {
        let (clerk, subject, read) = one_dose(&world).await;
        let changed = clerk.correct(subject, &read, other_lot("L-2")).await.unwrap();
        assert_eq!((changed.vaccination, changed.version), (read.vaccination, 2));
        let read = clerk.doses(subject).await.remove(0);
        assert_eq!(read.etag, changed.etag);
        clerk.withdraw(subject, &read).await.unwrap();
        let told = clerk.dose_history(subject).await;
        let lots: Vec<_> = told.iter().map(|one| (one.version, one.dose.lot.as_str())).collect();
        assert_eq!(lots, [(1, "L-1"), (2, "L-2"), (3, "L-2")]);
        let kinds = told.iter().map(|one| (one.source.kind, one.standing));
        assert_eq!(
            kinds.collect::<Vec<_>>(),
            [
                (SourceKind::Registered, Standing::InForce),
                (SourceKind::Corrected, Standing::InForce),
                (SourceKind::Corrected, Standing::Withdrawn),
            ]
        );
        let why = told.iter().map(|one| one.source.reason.as_deref());
        let expected = [None, Some("ロット番号の誤記"), Some("別の人の接種")];
        assert_eq!(why.collect::<Vec<_>>(), expected);
        assert!(told.iter().all(|one| one.source.operator.as_deref() == Some("person-1")));
        assert_eq!(world.acts(ADACHI, "CorrectVaccination").await, ["corrected", "withdrawn"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_clerks_who_read_the_same_version_exactly_one_decides() {
    on_both(async |world| {
        let (one, subject, read) = one_dose(&world).await;
        let two = world.desk_of(ADACHI, Role::Clerk, "person-2");
        let first = one.correct(subject, &read, other_lot("L-2"));
        let (first, second) = tokio::join!(first, two.withdraw(subject, &read));
        let (won, lost) = (first.is_ok(), second.is_ok());
        assert!(won != lost, "one of them wins: {won} {lost}");
        let loser = if won { second } else { first };
        assert_eq!(refusal(loser), (412, "superseded".to_owned()));
        assert_eq!(one.dose_history(subject).await.len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_names_exactly_the_version_it_follows() {
    on_both(async |world| {
        let (clerk, subject, read) = one_dose(&world).await;
        let body = CorrectVaccination {
            subject,
            vaccination: read.vaccination,
            dose: other_lot("L-2"),
            reason: "誤記".to_owned(),
        };
        let without = clerk.post::<VaccinationChanged>(VACCINATIONS_CORRECT, &body).await;
        assert_eq!(refusal(without), (428, "version-required".to_owned()));
        let person = format!("\"{subject}-1\"");
        let later = format!("\"{}-2\"", read.vaccination);
        for (tag, expected) in [("*", 400), ("\"a\"", 400), (&person, 412), (&later, 412)] {
            let refused =
                clerk.post_if::<VaccinationChanged>(VACCINATIONS_CORRECT, tag, &body).await;
            assert_eq!(refusal(refused).0, expected, "{tag}");
        }
        let elsewhere = CorrectVaccination { vaccination: Uuid::new_v4(), ..body.clone() };
        let refused =
            clerk.post_if::<VaccinationChanged>(VACCINATIONS_CORRECT, &read.etag, &elsewhere).await;
        assert_eq!(refusal(refused), (404, "not-found".to_owned()));
        let same = clerk.correct(subject, &read, dose()).await;
        assert_eq!(refusal(same), (422, "nothing-changes".to_owned()));
        let number = IndividualNumber::for_test(1).reveal().to_owned();
        let (head, tail) = number.split_at(4);
        for reason in [String::new(), format!("個人番号 {head}-{tail}")] {
            let body = CorrectVaccination { reason: reason.clone(), ..body.clone() };
            let refused =
                clerk.post_if::<VaccinationChanged>(VACCINATIONS_CORRECT, &read.etag, &body).await;
            assert_eq!(refusal(refused).0, 400, "{reason}");
        }
        assert_eq!(clerk.dose_history(subject).await, [read]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_dose_is_not_provided_until_it_is_back_in_force() {
    on_both(async |world| {
        let (clerk, subject, read) = one_dose(&world).await;
        world.desk(KORIYAMA, Role::Clerk).register(1).await;
        clerk.withdraw(subject, &read).await.unwrap();
        assert_eq!(world.ask(&question(1)).await.unwrap().outcome, AskOutcome::Nothing);
        let read = clerk.doses(subject).await.remove(0);
        assert_eq!(read.standing, Standing::Withdrawn);
        let again = clerk.withdraw(subject, &read).await;
        assert_eq!(refusal(again), (422, "nothing-changes".to_owned()));
        clerk.correct(subject, &read, dose()).await.unwrap();
        let answer = world.ask(&question(1)).await.unwrap();
        assert_eq!(answer.vaccinations, [dose()]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dose_that_gets_another_number_moves_and_takes_nobodys_place() {
    on_both(async |world| {
        let (clerk, subject, first) = one_dose(&world).await;
        let second = Vaccination { dose_number: 2, ..dose() };
        clerk.vaccinate(subject, second.clone()).await;
        let taken = clerk.correct(subject, &first, second.clone()).await;
        assert_eq!(refusal(taken), (409, "already-registered-dose".to_owned()));
        assert_eq!(clerk.dose_history(subject).await.len(), 2);
        let third = Vaccination { dose_number: 3, ..dose() };
        let moved = clerk.correct(subject, &first, third.clone()).await.unwrap();
        assert_ne!(moved.vaccination, first.vaccination);
        let now = clerk.doses(subject).await;
        let standings = now.iter().map(|one| (one.dose.dose_number, one.standing, one.version));
        assert_eq!(
            standings.collect::<Vec<_>>(),
            [(1, Standing::Withdrawn, 2), (2, Standing::InForce, 1), (3, Standing::InForce, 1)]
        );
        // A place that was left is free again, and keeps its history.
        let back = clerk.correct(subject, &now[2], dose()).await.unwrap();
        assert_eq!((back.vaccination, back.version), (first.vaccination, 3));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_received_a_dose_is_told_of_every_move_also_of_one_to_a_place_it_knew() {
    on_both(async |world| {
        let (clerk, subject, first) = one_dose(&world).await;
        let third = Vaccination { dose_number: 3, ..dose() };
        let unheard = clerk.correct(subject, &first, other_lot("L-2")).await.unwrap();
        assert_eq!(unheard.notices, 0, "nobody has received anything yet");
        world.desk(KORIYAMA, Role::Clerk).register(1).await;
        world.ask(&question(1)).await.unwrap();
        let first = clerk.doses(subject).await.remove(0);
        let moved = clerk.correct(subject, &first, third).await.unwrap();
        assert_eq!(moved.notices, 1);
        // Koriyama heard of the third dose, and that the first was taken back.
        let third = clerk.doses(subject).await.pop().unwrap();
        let back = clerk.correct(subject, &third, dose()).await.unwrap();
        assert_eq!(back.notices, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_system_of_the_municipality_corrects_under_its_own_name() {
    on_both(async |world| {
        let (clerk, subject, read) = one_dose(&world).await;
        let body = CorrectVaccination {
            subject,
            vaccination: read.vaccination,
            dose: other_lot("L-2"),
            reason: "台帳の訂正".to_owned(),
        };
        let request = RequestId::make_random();
        let ledger = world.system(ADACHI);
        let call = ledger.post_if_match::<VaccinationChanged>(
            VACCINATIONS_CORRECT,
            &request,
            (None, &read.etag),
            &body,
        );
        assert_eq!(call.await.unwrap().version, 2);
        let newest = clerk.doses(subject).await.remove(0);
        assert_eq!(newest.source.kind, SourceKind::Corrected);
        assert_eq!(newest.source.system.as_deref(), Some("ledger-1"));
        assert_eq!(newest.source.operator, None);
    })
    .await;
}

/// What a clerk does next: with which of the doses, and whether to withdraw it.
#[derive(Clone, Debug)]
struct Step {
    which: usize,
    number: u16,
    lot: String,
    withdraws: bool,
    is_stale: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0..4usize, 1..4u16, "[A-Z]{1,3}", any::<bool>(), prop::bool::weighted(0.2));
    let step = step.prop_map(|(which, number, lot, withdraws, is_stale)| Step {
        which,
        number,
        lot,
        withdraws,
        is_stale,
    });
    prop::collection::vec(step, 30)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_changed_every_earlier_version_stays_as_it_was() {
    let mut runner = TestRunner::deterministic();
    let steps = steps().new_tree(&mut runner).unwrap().current();
    on_both(async |world| {
        let (clerk, subject, _) = one_dose(&world).await;
        let mut known = clerk.dose_history(subject).await;
        let mut changes = 0;
        for step in &steps {
            let now = clerk.doses(subject).await;
            let mut read = now[step.which % now.len()].clone();
            if step.is_stale {
                read.etag = format!("\"{}-{}\"", read.vaccination, read.version + 1);
            }
            let new = Vaccination { dose_number: step.number, ..other_lot(&step.lot) };
            let done = match step.withdraws {
                true => clerk.withdraw(subject, &read).await,
                false => clerk.correct(subject, &read, new).await,
            };
            let told = clerk.dose_history(subject).await;
            assert!(known.iter().all(|version| told.contains(version)), "{step:?}");
            match done {
                Ok(_) => {
                    assert!(!step.is_stale && told.len() > known.len(), "{step:?}");
                    changes += 1;
                }
                Err(_) => assert_eq!(told.len(), known.len(), "{step:?}"),
            }
            known = told;
        }
        assert!(changes > 10, "{changes}");
    })
    .await;
}
