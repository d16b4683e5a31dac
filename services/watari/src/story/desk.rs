use std::time::Duration;

use domain::{InquiryId, RequestId, ServiceKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;
use wire::partition::{
    self, AskAnswer, AskRequest, RegisterSubject, RegisterVaccination, SubjectRegistered,
    VaccinationRegistered,
};
use wire::records::{FindRecords, FlagSubject, PersonRecords, RECORDS_FIND, SUBJECTS_FLAG};
use wire::registry::{self, LogInAnswer, LogInRequest};
use wire::{CallError, Client, WirePassword};

use super::site::{Passwords, Site};
use crate::Failure;
use cast::Person;

/// A person who is logged in at a terminal.
#[derive(Debug)]
pub struct Desk {
    registry: Client,
    partition: Client,
    log_in: LogInAnswer,
}

/// An inquiry is sent again this often when its outcome is not known.
const ATTEMPTS_MAX: u32 = 10;
const ATTEMPT_PAUSE: Duration = Duration::from_millis(300);

impl Desk {
    /// Two factors: the terminal's certificate and the person's password.
    pub async fn log_in(
        site: &Site,
        person: &Person,
        passwords: &Passwords,
    ) -> Result<Self, Failure> {
        let registry = site.client(person.terminal.as_str(), ServiceKind::Registry)?;
        let partition = site.client(person.terminal.as_str(), ServiceKind::Partition)?;
        let password = WirePassword::new(passwords.of(&person.id)?.to_owned());
        let request = LogInRequest { user_id: person.id.to_string(), password };
        let log_in = registry
            .post(registry::LOG_IN, &RequestId::make_random(), None, &request)
            .await
            .map_err(Failure::call("log-in"))?;
        Ok(Self { registry, partition, log_in })
    }

    /// What the registry said at log-in.
    pub fn session(&self) -> &LogInAnswer {
        &self.log_in
    }

    /// Says something to the registry.
    pub async fn registry<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        self.registry.post(path, &RequestId::make_random(), Some(&self.log_in.token), body).await
    }

    /// Says something to the own room.
    pub async fn room<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        self.partition.post(path, &RequestId::make_random(), Some(&self.log_in.token), body).await
    }

    /// The same on the condition that a record still has the version of this tag.
    pub async fn room_if_match<A: DeserializeOwned>(
        &self,
        path: &str,
        tag: &str,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        let token = Some(self.log_in.token.as_str());
        self.partition.post_if_match(path, &RequestId::make_random(), (token, tag), body).await
    }

    pub async fn register_subject(&self, subject: &RegisterSubject) -> Result<Uuid, CallError> {
        let answer: SubjectRegistered = self.room(partition::SUBJECTS, subject).await?;
        Ok(answer.subject)
    }

    pub async fn register_vaccination(
        &self,
        dose: &RegisterVaccination,
    ) -> Result<VaccinationRegistered, CallError> {
        self.room(partition::VACCINATIONS, dose).await
    }

    /// Sets or lifts 自動応答不可フラグ on the version that is there now.
    pub async fn withhold(&self, subject: Uuid, withheld: bool) -> Result<(), CallError> {
        let way = FindRecords { subject: Some(subject), ..FindRecords::default() };
        let found: PersonRecords = self.room(RECORDS_FIND, &way).await?;
        let flag = FlagSubject { withheld: Some(withheld), ..FlagSubject::new(subject, "申出") };
        self.room_if_match::<Value>(SUBJECTS_FLAG, &found.subject.etag, &flag).await.map(drop)
    }

    pub async fn ask(&self, question: &AskRequest) -> Result<AskAnswer, CallError> {
        self.room(partition::INQUIRIES, question).await
    }

    /// Asks until the outcome is definite: the same id gives the same answer, so nothing happens
    /// twice.
    pub async fn ask_until_definite(&self, question: &AskRequest) -> Result<AskAnswer, CallError> {
        let mut attempt = 1;
        loop {
            match self.ask(question).await {
                Err(CallError::Unavailable | CallError::Failed(_)) if attempt < ATTEMPTS_MAX => {
                    tokio::time::sleep(ATTEMPT_PAUSE * attempt).await;
                    attempt += 1;
                }
                definite => return definite,
            }
        }
    }

    /// The answer kept in the room, until its time is over.
    pub async fn find(&self, inquiry: InquiryId) -> Result<AskAnswer, CallError> {
        self.room(partition::INQUIRIES_FIND, &partition::FindInquiry { inquiry }).await
    }
}
