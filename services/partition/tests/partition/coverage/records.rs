//! How the endpoints are called that change records that are there already.

use domain::vaccination::Vaccination;
use domain::{Action, InquiryId, Role};
use serde_json::{Value, json};
use uuid::Uuid;
use wire::partition as api;
use wire::records::{
    COMPLETENESS_READ, RECORDS_FIND, RECORDS_HISTORY, VACCINATIONS_CORRECT, VACCINATIONS_WITHDRAW,
};

use super::{Row, Scene};
use crate::world::{KORIYAMA, World, dose};

/// A person of Koriyama with two doses that nothing else is done to.
pub(super) struct Patient {
    subject: Uuid,
    doses: [Uuid; 2],
}

impl Patient {
    pub(super) async fn set(world: &World) -> Self {
        let clerk = world.desk(KORIYAMA, Role::Clerk);
        let subject = clerk.register(3).await;
        let mut doses = [Uuid::nil(); 2];
        for (number, id) in (1..).zip(&mut doses) {
            let vaccination = Vaccination { dose_number: number, ..dose() };
            let request = api::RegisterVaccination { subject, vaccination };
            let done: api::VaccinationRegistered =
                clerk.post(api::VACCINATIONS, &request).await.unwrap();
            *id = done.vaccination;
        }
        Self { subject, doses }
    }
}

fn first_version(id: Uuid) -> Option<String> {
    Some(format!("\"{id}-1\""))
}

pub(super) fn row(action: Action, scene: &Scene) -> Row {
    let (clerk, supervisor) = (Some(Role::Clerk), Some(Role::Supervisor));
    let Patient { subject, doses: [first, second] } = scene.patient;
    match (action, scene.path) {
        (Action::ReadRecords, COMPLETENESS_READ) => Row::new(clerk, json!({}), Value::Null),
        (Action::ReadRecords, RECORDS_FIND | RECORDS_HISTORY) => {
            let read = |id: Uuid| json!({ "subject": id });
            Row { knows_subject: true, ..Row::new(clerk, read(subject), read(Uuid::new_v4())) }
        }
        // The same once more follows a version that was superseded.
        (Action::CorrectVaccination, VACCINATIONS_CORRECT) => {
            let dose = Vaccination { lot: "L-2".to_owned(), ..dose() };
            let correct =
                json!({ "subject": subject, "vaccination": first, "dose": dose, "reason": "誤記" });
            let row = Row::new(clerk, correct.clone(), correct);
            Row { knows_subject: true, tag: first_version(first), ..row }
        }
        (Action::CorrectVaccination, VACCINATIONS_WITHDRAW) => {
            let withdraw = json!({ "subject": subject, "vaccination": second, "reason": "誤記" });
            let row = Row::new(clerk, withdraw.clone(), withdraw);
            Row { knows_subject: true, tag: first_version(second), ..row }
        }
        (Action::FlagSubject, _) => {
            let flag = json!({ "subject": subject, "diedOn": "2025-01-02", "reason": "届出" });
            let row = Row::new(clerk, flag.clone(), flag);
            Row { knows_subject: true, tag: first_version(subject), ..row }
        }
        (Action::AdoptRecords, _) => {
            let adopt = |id: InquiryId| json!({ "inquiry": id, "doses": "all" });
            let row = Row::new(clerk, adopt(scene.asked), adopt(InquiryId::make_random()));
            Row { knows_inquiry: true, knows_subject: true, ..row }
        }
        (Action::StateCompleteness, _) => {
            let state = |up_to| json!({ "period": { "from": "2021-02-17", "upTo": up_to } });
            Row::new(supervisor, state("2024-03-31"), state("9999-12-31"))
        }
        (other, path) => panic!("{other:?} {path}: say here how its endpoint is called"),
    }
}

/// A row of the register has the time of a line: by that, files know what is later than they are.
pub(super) async fn expect_rows_of_recorded_acts(world: &World) {
    let sql = "SELECT CAST(MAX(at) AS TEXT) AS text FROM (\
               SELECT created_at_unix_ms AS at FROM subject WHERE municipality = '072036' UNION ALL \
               SELECT created_at_unix_ms FROM vaccination WHERE municipality = '072036' UNION ALL \
               SELECT created_at_unix_ms FROM voucher WHERE municipality = '072036') AS register";
    let newest: i64 = world.text(sql).await.parse().unwrap();
    let lines = world.lines(KORIYAMA).await;
    assert!(lines.iter().any(|line| line.at_unix_ms == newest), "{newest}: {lines:?}");
}
