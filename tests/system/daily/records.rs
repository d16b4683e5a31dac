//! Records from the day they are received: adopted, completed, corrected, flagged.

use time::macros::date;
use uuid::Uuid;
use watari::story::desk::Desk;
use wire::CallError;
use wire::partition::{AskAnswer, AskOutcome};
use wire::records::{
    ADOPTIONS, AdoptDoses, Adoption, AllDoses, COMPLETENESS, ChosenDoses, CorrectVaccination,
    DoseVersion, FindRecords, FlagSubject, History, Period, PersonRecords, RECORDS_FIND,
    RECORDS_HISTORY, ReadHistory, SUBJECTS_FLAG, SourceKind, StateCompleteness, Statement,
    SubjectFlagged, VACCINATIONS_CORRECT, VACCINATIONS_WITHDRAW, VaccinationChanged,
    WithdrawVaccination,
};

use crate::support::{World, alone_on_both, dose, fresh_number, on_both, question};

async fn find(desk: &Desk, subject: Uuid) -> PersonRecords {
    let way = FindRecords { subject: Some(subject), ..FindRecords::default() };
    desk.room(RECORDS_FIND, &way).await.unwrap()
}

async fn adopt(desk: &Desk, answer: &AskAnswer) -> Adoption {
    let doses = ChosenDoses::All(AllDoses::All);
    desk.room(ADOPTIONS, &AdoptDoses { inquiry: answer.inquiry, doses }).await.unwrap()
}

async fn withdraw(
    desk: &Desk,
    subject: Uuid,
    read: &DoseVersion,
) -> Result<VaccinationChanged, CallError> {
    let reason = "別の人の接種".to_owned();
    let body = WithdrawVaccination { subject, vaccination: read.vaccination, reason };
    desk.room_if_match(VACCINATIONS_WITHDRAW, &read.etag, &body).await
}

async fn ask(world: &World, number: u32) -> AskAnswer {
    let clerk = world.desk(&world.cast.koriyama.clerk).await;
    clerk.ask(&question(number, world.cast.adachi.code)).await.unwrap()
}

/// In a world of its own: what a municipality states, it states to everybody.
#[test]
fn what_is_received_is_adopted_with_its_source_and_with_what_may_be_missing() {
    alone_on_both(async |world| {
        let supervisor = world.desk(&world.cast.adachi.supervisor).await;
        let period = Period { from: date!(2021 - 02 - 17), up_to: date!(2024 - 03 - 31) };
        let state = StateCompleteness { period: Some(period) };
        supervisor.room::<Statement>(COMPLETENESS, &state).await.unwrap();
        let number = fresh_number();
        world.live_in_adachi(number, &[dose(1), dose(2)]).await;
        world.arrive_in_koriyama(number).await;
        let answer = ask(&world, number).await;
        let stated = answer.completeness.unwrap();
        assert_eq!((stated.from, stated.up_to), (period.from, period.up_to));
        let clerk = world.desk(&world.cast.koriyama.clerk).await;
        let adoption = adopt(&clerk, &answer).await;
        assert_eq!(adoption.missing.missing_before, Some(period.from));
        assert_eq!(adoption.adopted.len(), 2);
        assert_eq!(adopt(&clerk, &answer).await.already_there, adoption.adopted);
        let own = find(&clerk, adoption.subject).await;
        assert_eq!(own.doses, adoption.adopted);
        for one in &own.doses {
            assert_eq!(one.source.kind, SourceKind::Adopted);
            assert_eq!(one.source.provider, Some(world.cast.adachi.code));
        }
    });
}

#[test]
fn a_correction_and_a_withdrawal_race_and_exactly_one_is_there_afterwards() {
    on_both(async |world| {
        let number = fresh_number();
        let subject = world.live_in_adachi(number, &[dose(1)]).await;
        let one = world.desk(&world.cast.adachi.clerk).await;
        let two = world.desk(&world.cast.adachi.supervisor).await;
        let read = find(&one, subject).await.doses.remove(0);
        let mut corrected = dose(1);
        corrected.lot = "RIGHT".to_owned();
        let body = CorrectVaccination {
            subject,
            vaccination: read.vaccination,
            dose: corrected,
            reason: "ロット番号の誤記".to_owned(),
        };
        let correct =
            one.room_if_match::<VaccinationChanged>(VACCINATIONS_CORRECT, &read.etag, &body);
        let (first, second) = tokio::join!(correct, withdraw(&two, subject, &read));
        let lost = match (&first, &second) {
            (Ok(_), Err(lost)) | (Err(lost), Ok(_)) => lost,
            both => panic!("exactly one wins: {both:?}"),
        };
        assert_eq!(lost.problem().unwrap().code, "superseded");
        let asked = ReadHistory { subject, vaccination: Some(read.vaccination) };
        let told: History = one.room(RECORDS_HISTORY, &asked).await.unwrap();
        assert_eq!(told.doses.len(), 2);
        assert_eq!(told.doses[0], read);
    });
}

#[test]
fn a_withdrawn_dose_of_a_person_who_moved_out_is_not_provided_and_the_others_are() {
    on_both(async |world| {
        let number = fresh_number();
        let subject = world.live_in_adachi(number, &[dose(1), dose(2)]).await;
        world.arrive_in_koriyama(number).await;
        let clerk = world.desk(&world.cast.adachi.clerk).await;
        let person = find(&clerk, subject).await;
        withdraw(&clerk, subject, &person.doses[0]).await.unwrap();
        let flag = serde_json::json!({
            "subject": subject, "movedOutOn": "2025-03-31", "reason": "転出届",
        });
        let flag: FlagSubject = serde_json::from_value(flag).unwrap();
        let tag = &person.subject.etag;
        let flagged: SubjectFlagged = clerk.room_if_match(SUBJECTS_FLAG, tag, &flag).await.unwrap();
        assert_eq!(flagged.flags.moved_out_on, Some(date!(2025 - 03 - 31)));
        let answer = ask(world, number).await;
        assert_eq!((answer.outcome, answer.vaccinations), (AskOutcome::Provided, vec![dose(2)]));
    });
}
