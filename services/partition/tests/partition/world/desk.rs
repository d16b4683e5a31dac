use domain::vaccination::Vaccination;
use domain::{IndividualNumber, RequestId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use wire::partition as api;
use wire::records::{
    FindRecords, FlagSubject, PersonRecords, RECORDS_FIND, SUBJECTS_FLAG, SubjectFlagged,
};
use wire::{CallError, Client, WireNumber};

/// A person at a terminal.
pub(crate) struct Desk {
    pub(crate) client: Client,
    pub(crate) token: String,
}

impl Desk {
    pub(crate) async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        self.client.post(path, &RequestId::make_random(), Some(&self.token), body).await
    }

    /// The same on the condition that the record still has this tag.
    pub(crate) async fn post_if<A: DeserializeOwned>(
        &self,
        path: &str,
        tag: &str,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        let request = RequestId::make_random();
        self.client.post_if_match(path, &request, (Some(&self.token), tag), body).await
    }

    pub(crate) async fn vaccinate(&self, subject: Uuid, vaccination: Vaccination) {
        let dose = api::RegisterVaccination { subject, vaccination };
        self.post::<api::VaccinationRegistered>(api::VACCINATIONS, &dose).await.unwrap();
    }

    pub(crate) async fn withhold(&self, subject: Uuid) {
        let way = FindRecords { subject: Some(subject), ..FindRecords::default() };
        let found: PersonRecords = self.post(RECORDS_FIND, &way).await.unwrap();
        let flag =
            FlagSubject { withheld: Some(true), ..FlagSubject::new(subject, "支援措置") };
        let tag = &found.subject.etag;
        self.post_if::<SubjectFlagged>(SUBJECTS_FLAG, tag, &flag).await.unwrap();
    }

    pub(crate) async fn register(&self, number: u32) -> Uuid {
        let subject = api::RegisterSubject {
            individual_number: WireNumber(IndividualNumber::for_test(number)),
            address_number: number.to_string(),
            name: "山田".to_owned(),
            name_kana: "ヤマダ".to_owned(),
            birth_date: time::macros::date!(1980 - 01 - 02),
            sex: domain::subject::Sex::Female,
        };
        let registered: api::SubjectRegistered = self.post(api::SUBJECTS, &subject).await.unwrap();
        registered.subject
    }
}
