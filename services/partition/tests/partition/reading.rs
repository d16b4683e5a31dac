//! Staff read a person's records: logged, and without the individual number.

use domain::{IndividualNumber, Role};
use uuid::Uuid;
use wire::WireNumber;
use wire::records::{
    FindRecords, History, PersonRecords, RECORDS_FIND, RECORDS_HISTORY, ReadHistory, SourceKind,
};

use crate::world::{ADACHI, KORIYAMA, dose, on_both, refusal};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_by_handle_address_number_or_number() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let subject = clerk.register(1).await;
        clerk.vaccinate(subject, dose()).await;
        let number = WireNumber(IndividualNumber::for_test(1));
        let ways = [
            FindRecords { subject: Some(subject), ..FindRecords::default() },
            FindRecords { address_number: Some("1".to_owned()), ..FindRecords::default() },
            FindRecords { individual_number: Some(number), ..FindRecords::default() },
        ];
        for way in &ways {
            let found: PersonRecords = clerk.post(RECORDS_FIND, way).await.unwrap();
            assert_eq!((found.subject.subject, found.subject.version), (subject, 1));
            assert_eq!(found.subject.name, "山田");
            let [only] = found.doses.as_slice() else { panic!("one dose") };
            assert_eq!(only.dose, dose());
            assert_eq!(only.source.kind, SourceKind::Registered);
            assert_eq!(only.source.operator.as_deref(), Some("person-1"));
            assert_eq!(only.etag, format!("\"{}-1\"", only.vaccination));
            assert_eq!(found.subject.etag, format!("\"{subject}-1\""));
        }
        let lines = world.lines(ADACHI).await;
        let read: Vec<_> = lines.iter().filter(|line| line.act == "ReadRecords").collect();
        assert_eq!(read.len(), ways.len());
        assert!(read.iter().all(|line| line.subject == Some(subject) && line.result == "shown"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_read_holds_the_individual_number() {
    on_both(async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let subject = clerk.register(1).await;
        clerk.vaccinate(subject, dose()).await;
        let way = FindRecords { subject: Some(subject), ..FindRecords::default() };
        let asked = ReadHistory { subject, vaccination: None };
        let found: serde_json::Value = clerk.post(RECORDS_FIND, &way).await.unwrap();
        let history: serde_json::Value = clerk.post(RECORDS_HISTORY, &asked).await.unwrap();
        for shown in [found, history] {
            let text = shown.to_string();
            assert!(text.contains("山田"), "something is shown");
            assert!(!text.contains(IndividualNumber::for_test(1).reveal()));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_in_the_own_room_is_not_found_and_the_attempt_is_logged() {
    on_both(async |world| {
        let subject = world.desk(ADACHI, Role::Clerk).register(1).await;
        let clerk = world.desk(KORIYAMA, Role::Clerk);
        for subject in [subject, Uuid::new_v4()] {
            let way = FindRecords { subject: Some(subject), ..FindRecords::default() };
            let missing = clerk.post::<PersonRecords>(RECORDS_FIND, &way).await;
            assert_eq!(refusal(missing), (404, "not-found".to_owned()));
            let asked = ReadHistory { subject, vaccination: None };
            let missing = clerk.post::<History>(RECORDS_HISTORY, &asked).await;
            assert_eq!(refusal(missing), (404, "not-found".to_owned()));
        }
        assert_eq!(world.acts(KORIYAMA, "ReadRecords").await, ["not-found"; 4]);
        let both = FindRecords {
            subject: Some(subject),
            address_number: Some("1".to_owned()),
            individual_number: None,
        };
        for unclear in [FindRecords::default(), both] {
            let refused = clerk.post::<PersonRecords>(RECORDS_FIND, &unclear).await;
            assert_eq!(refusal(refused), (400, "malformed".to_owned()));
        }
    })
    .await;
}
