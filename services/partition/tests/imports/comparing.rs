//! What is only compared, what a machine prepares, and what nobody decides about.

use domain::Role;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use wire::imports::{self as api, ImportState, NameImport, Purpose, Stage};

use crate::files::{self, SUBJECTS, doses, subject, subjects};
use crate::importing::{counts, import};
use crate::world::{ADACHI, on_both, refusal, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_names_what_differs_on_either_side_and_is_never_approved() {
    on_both(async |world| {
        import(&world, &subjects(0..4)).await;
        import(&world, &doses(0..4)).await;
        let clerk = world.desk(ADACHI, Role::Clerk);
        let supervisor = world.desk_of(ADACHI, Role::Supervisor, "person-2");
        let file = format!("{SUBJECTS}\n{}{}", subject(1).replace("住民", "住人"), subject(7));
        let state = clerk.prepare(Purpose::Compare, file.as_bytes()).await;
        assert_eq!((counts(&state), state.counts.missing_in_file), ([1, 0, 1, 0, 0], 3));
        assert_eq!(state.preview, None);
        let csv = clerk.problems(state.import).await;
        assert!(csv.contains("\n2,氏名,differs,") && csv.contains("\n3,,missing-in-register,"));
        let missing = world.person(ADACHI, 0).await;
        assert!(csv.contains(&missing.to_string()), "{csv}");
        let forged = ImportState { preview: Some(String::new()), ..state };
        assert_eq!(refusal(supervisor.approve(&forged).await), (409, "only-compared".to_owned()));

        let file = doses(0..3).replacen("EX0001", "EX0009", 1);
        let state = clerk.prepare(Purpose::Compare, file.as_bytes()).await;
        assert_eq!((counts(&state), state.counts.missing_in_file), ([0, 5, 1, 0, 0], 2));
        assert_eq!(world.count("subject").await, 4);
        assert!(world.states().await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_of_the_municipality_prepares_what_a_person_approves() {
    on_both(async |world| {
        let system = world.system(ADACHI);
        let (import, file) = (Uuid::new_v4(), subjects(0..2));
        async fn post<A: DeserializeOwned>(
            system: &wire::Client,
            path: &str,
            body: &impl Serialize,
        ) -> A {
            let request = domain::RequestId::make_random();
            system.post(path, &request, None, body).await.unwrap()
        }
        let open = files::announce((import, Purpose::Register), file.as_bytes());
        let _: ImportState = post(&system, api::IMPORTS, &open).await;
        let bytes = wire::Base64Bytes(file.into_bytes());
        let _: ImportState =
            post(&system, api::IMPORTS_PARTS, &api::SendPart { import, part: 0, bytes }).await;
        let _: ImportState = post(&system, api::IMPORTS_CHECK, &NameImport { import }).await;
        let supervisor = world.desk_of(ADACHI, Role::Supervisor, "person-2");
        let is_checked = async || supervisor.import_state(import).await.stage == Stage::Checked;
        until("checked", is_checked).await;
        let state = supervisor.import_state(import).await;
        assert_eq!(state.uploaded_by, "system/ledger-1");
        supervisor.approve(&state).await.unwrap();
        assert_eq!(world.count("subject").await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_decides_for_seven_days_and_the_file_is_gone() {
    crate::world::on_both_with("[limits]\nexpire_every_s = 1\n", async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let state = clerk.prepare(Purpose::Register, subjects(0..2).as_bytes()).await;
        world.pass(7 * 24 * 60 * 60 - 60).await;
        crate::world::rounds().await;
        let clerk = world.desk(ADACHI, Role::Clerk);
        assert_eq!(clerk.import_state(state.import).await.stage, Stage::Checked);
        world.pass(120).await;
        let clerk = world.desk(ADACHI, Role::Clerk);
        let is_expired = async || clerk.import_state(state.import).await.stage == Stage::Expired;
        until("expired", is_expired).await;
        for table in ["import_part", "import_subject", "subject"] {
            assert_eq!(world.count(table).await, 0, "{table}");
        }
    })
    .await;
}
