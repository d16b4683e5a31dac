//! Received doses are taken into the own register, and nothing there is overwritten.

use domain::vaccination::{Standing, Vaccination};
use domain::{InquiryId, Role};
use uuid::Uuid;
use wire::CallError;
use wire::partition::AskAnswer;
use wire::records::{
    ADOPTIONS, AdoptDoses, Adoption, AllDoses, ChosenDoses, ConflictKind, FindRecords,
    PersonRecords, RECORDS_FIND, SourceKind, VACCINATIONS_WITHDRAW, VaccinationChanged,
    WithdrawVaccination,
};

use crate::world::{
    ADACHI, KORIYAMA, World, dose, on_both, on_both_with, question, refusal, rounds,
};

fn nth(dose_number: u16) -> Vaccination {
    Vaccination { dose_number, ..dose() }
}

/// A person with two doses in Adachi moves to Koriyama, which asks.
async fn received(world: &World) -> (Uuid, AskAnswer) {
    let adachi = world.desk(ADACHI, Role::Clerk);
    let there = adachi.register(1).await;
    for number in [1, 2] {
        adachi.vaccinate(there, nth(number)).await;
    }
    let subject = world.desk(KORIYAMA, Role::Clerk).register(1).await;
    let answer = world.ask(&question(1)).await.unwrap();
    assert_eq!(answer.vaccinations.len(), 2);
    (subject, answer)
}

async fn adopt(
    world: &World,
    inquiry: InquiryId,
    doses: ChosenDoses,
) -> Result<Adoption, CallError> {
    let request = AdoptDoses { inquiry, doses };
    world.desk(KORIYAMA, Role::Clerk).post(ADOPTIONS, &request).await
}

fn all() -> ChosenDoses {
    ChosenDoses::All(AllDoses::All)
}

async fn own(world: &World, subject: Uuid) -> PersonRecords {
    let way = FindRecords { subject: Some(subject), ..FindRecords::default() };
    world.desk(KORIYAMA, Role::Clerk).post(RECORDS_FIND, &way).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn adopted_doses_say_where_they_came_from_and_are_adopted_once() {
    on_both(async |world| {
        let (subject, answer) = received(&world).await;
        let one = adopt(&world, answer.inquiry, ChosenDoses::These(vec![1, 1])).await.unwrap();
        assert_eq!((one.adopted.len(), one.subject), (1, subject));
        assert_eq!(one.adopted[0].dose, nth(2));
        let rest = adopt(&world, answer.inquiry, all()).await.unwrap();
        assert_eq!((rest.adopted.len(), rest.already_there.len()), (1, 1));
        let again = adopt(&world, answer.inquiry, all()).await.unwrap();
        assert_eq!((again.adopted.len(), again.already_there.len()), (0, 2));
        assert!(again.conflicts.is_empty());
        let own = own(&world, subject).await;
        let doses: Vec<_> = own.doses.iter().map(|one| one.dose.clone()).collect();
        assert_eq!(doses, answer.vaccinations);
        for dose in &own.doses {
            assert_eq!((dose.version, dose.source.kind), (1, SourceKind::Adopted));
            assert_eq!(dose.source.provider.unwrap().as_str(), ADACHI);
            assert_eq!(dose.source.from, Some(answer.inquiry.0));
        }
        let lines = world.lines(KORIYAMA).await;
        let lines: Vec<_> = lines.iter().filter(|line| line.act == "AdoptRecords").collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1].result, "adopted 1, already there 1, conflicts 0");
        let is_named = |line: &&&wire::partition::OperationEntry| {
            line.subject == Some(subject) && line.inquiry == Some(answer.inquiry.0)
        };
        assert_eq!(lines.iter().filter(is_named).count(), 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_register_says_otherwise_is_shown_and_not_overwritten() {
    on_both(async |world| {
        let (subject, answer) = received(&world).await;
        let clerk = world.desk(KORIYAMA, Role::Clerk);
        let mine = Vaccination { lot: "OTHER".to_owned(), ..nth(1) };
        clerk.vaccinate(subject, mine.clone()).await;
        clerk.vaccinate(subject, nth(2)).await;
        let second = own(&world, subject).await.doses.remove(1);
        let withdraw = WithdrawVaccination {
            subject,
            vaccination: second.vaccination,
            reason: "誤り".to_owned(),
        };
        let tag = &second.etag;
        let withdrawn: VaccinationChanged =
            clerk.post_if(VACCINATIONS_WITHDRAW, tag, &withdraw).await.unwrap();
        assert_eq!(withdrawn.version, 2);
        let before = own(&world, subject).await.doses;
        let adoption = adopt(&world, answer.inquiry, all()).await.unwrap();
        assert!(adoption.adopted.is_empty() && adoption.already_there.is_empty());
        let [first, second] = adoption.conflicts.as_slice() else { panic!("two conflicts") };
        assert_eq!((first.index, first.why), (0, ConflictKind::OtherContent));
        assert_eq!((&first.received, &first.own.as_ref().unwrap().dose), (&nth(1), &mine));
        assert_eq!((second.index, second.why), (1, ConflictKind::Withdrawn));
        assert_eq!(second.own.as_ref().unwrap().standing, Standing::Withdrawn);
        assert_eq!(own(&world, subject).await.doses, before);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_places_of_an_own_answer_can_be_adopted() {
    on_both(async |world| {
        let (subject, answer) = received(&world).await;
        let beyond = adopt(&world, answer.inquiry, ChosenDoses::These(vec![0, 2])).await;
        assert_eq!(refusal(beyond), (400, "malformed".to_owned()));
        let unknown = adopt(&world, InquiryId::make_random(), all()).await;
        assert_eq!(refusal(unknown), (404, "not-found".to_owned()));
        let request = AdoptDoses { inquiry: answer.inquiry, doses: all() };
        let provider = world.desk(ADACHI, Role::Clerk);
        let foreign = provider.post::<Adoption>(ADOPTIONS, &request).await;
        assert_eq!(refusal(foreign), (404, "not-found".to_owned()));
        assert!(own(&world, subject).await.doses.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_past_its_time_is_not_adopted_whether_it_is_deleted_yet_or_not() {
    let settings = ["", "[limits]\nexpire_every_s = 1\n"];
    for setting in settings {
        on_both_with(setting, async |world| {
            let (subject, answer) = received(&world).await;
            world.pass(24 * 60 * 60 - 1).await;
            let kept = adopt(&world, answer.inquiry, ChosenDoses::These(vec![0])).await;
            assert_eq!(kept.unwrap().adopted.len(), 1);
            world.pass(2).await;
            if !setting.is_empty() {
                rounds().await;
            }
            let late = adopt(&world, answer.inquiry, all()).await;
            assert_eq!(refusal(late), (410, "inquiry-expired".to_owned()));
            assert_eq!(own(&world, subject).await.doses.len(), 1);
        })
        .await;
    }
}
