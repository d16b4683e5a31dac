//! Erasure and new keys while the partition is killed.

use std::time::Duration;

use crypto::{Cell, KeyStore, RoomKeys};
use diesel::prelude::*;
use domain::{MunicipalityCode, OperatorId, ServiceKind};
use serde_json::{Value, from_value, json};
use uuid::Uuid;
use watari::story::cast::Person;
use watari::story::desk::Desk;
use watari::story::residents::Resident;
use watari::story::site::Site;
use wire::CallError;
use wire::WirePassword;
use wire::erasure::{
    ERASURES, ERASURES_APPROVE, ERASURES_READ, Erasure, ErasureState, Erasures, KEYS_ROTATE,
    Rotation, RotationState,
};
use wire::partition::RegisterVaccination;
use wire::registry::{OPERATORS, RegisterOperator};

use super::processes::Processes;
use crate::support::{Engine, RUNTIME, dose};

/// Each is one erasure and one rotation, each killed once.
const ROUNDS: u32 = 20;
const FIRST_SERIAL: u32 = 7_000_000;

/// A version of a person's entry as it is stored.
#[derive(diesel::QueryableByName, Clone)]
struct Entry {
    #[diesel(sql_type = diesel::sql_types::Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    version: i64,
    #[diesel(sql_type = diesel::sql_types::Binary)]
    sealed: Vec<u8>,
}

impl Entry {
    fn opens(&self, keys: &RoomKeys) -> bool {
        let version = u32::try_from(self.version).unwrap();
        let cell = Cell { table: "subject", column: "sealed", row: &self.id, version };
        keys.open(&cell, &self.sealed).is_ok()
    }
}

/// The room as its owner and its disk know it.
pub(super) struct Backroom<'a> {
    pub(super) site: &'a Site,
    pub(super) code: MunicipalityCode,
}

impl Backroom<'_> {
    async fn entries(&self) -> Vec<Entry> {
        let owner = self.site.settings.database(ServiceKind::Partition).unwrap().owner().unwrap();
        let sql = format!(
            "SELECT id, CAST(version AS BIGINT) AS version, sealed FROM subject \
             WHERE municipality = '{}' ORDER BY id, version",
            self.code
        );
        let load = move |tx: &mut db::Tx| {
            diesel::sql_query(sql).load::<Entry>(tx).map_err(db::DbError::from)
        };
        db::as_owner(&owner, load).await.unwrap()
    }

    pub(super) fn keys(&self) -> RoomKeys {
        let config = &self.site.settings.partition().unwrap().keys;
        let store = KeyStore::open(&config.key_encryption_key, &config.folder).unwrap();
        store.room(self.code).unwrap().unwrap()
    }

    /// How many versions each of these persons has, and that all of the room opens.
    async fn count(&self, subjects: &[Uuid]) -> usize {
        let (entries, keys) = (self.entries().await, self.keys());
        assert!(entries.iter().all(|entry| entry.opens(&keys)), "a cell does not open");
        let ids: Vec<&[u8]> = subjects.iter().map(|id| id.as_bytes().as_slice()).collect();
        entries.iter().filter(|entry| ids.contains(&entry.id.as_slice())).count()
    }
}

/// A second supervisor of Adachi.
pub(super) async fn employ(site: &Site, national: &Desk, first: &Person) -> Person {
    let id = OperatorId::parse("supervisor-adachi-2").unwrap();
    let person = Person { id, ..first.clone() };
    let file = site.layout.passwords();
    let mut passwords = std::fs::read_to_string(&file).unwrap();
    let password = Uuid::new_v4().simple().to_string();
    passwords.push_str(&format!("{} = \"{password}\"\n", person.id));
    std::fs::write(file, passwords).unwrap();
    let operator = RegisterOperator {
        operator: person.id.clone(),
        municipality: person.municipality,
        role: person.role,
        password: WirePassword::new(password),
    };
    national.registry::<Value>(OPERATORS, &operator).await.unwrap();
    person
}

pub(super) async fn register(clerk: &Desk, serials: std::ops::Range<u32>) -> Vec<Uuid> {
    let mut subjects = Vec::new();
    for serial in serials {
        let resident = Resident { serial, doses: Vec::new() };
        let subject = clerk.register_subject(&resident.to_request()).await.unwrap();
        let vaccination = RegisterVaccination { subject, vaccination: dose(1) };
        clerk.register_vaccination(&vaccination).await.unwrap();
        subjects.push(subject);
    }
    subjects
}

/// The same call with the same id until it is answered, as everybody is told to do.
async fn insist(desk: &Desk, path: &str, body: &Value) -> Value {
    for _ in 0..300 {
        match desk.room::<Value>(path, body).await {
            Ok(answer) => return answer,
            Err(CallError::Refused(problem)) if problem.status < 500 => panic!("{problem:?}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    panic!("{path} is never answered");
}

pub(super) async fn is_done(desk: &Desk, body: &Value) -> bool {
    let rotation: Rotation = from_value(insist(desk, KEYS_ROTATE, body).await).unwrap();
    rotation.state == RotationState::Done
}

pub(super) fn persons(subjects: &[Uuid]) -> Value {
    json!({
        "erasure": Uuid::new_v4(), "reason": "requested",
        "scope": { "kind": "persons", "subjects": subjects },
    })
}

pub(super) fn approval(shown: &Erasure) -> Value {
    json!({ "erasure": shown.erasure, "digest": shown.digest })
}

/// A moment that differs from run to run and can be had again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

#[test]
fn killed_at_any_moment_an_erasure_and_a_rotation_happen_wholly_or_not_at_all() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        RUNTIME.block_on(survive(engine));
    }
}

async fn survive(engine: Engine) {
    let mut processes = Processes::start(engine).await;
    let site = processes.site();
    let file = site.layout.settings();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n[partition.ending]\nreseal_cells_max = 2\n")).unwrap();
    processes.kill_and_start(ServiceKind::Partition).await;
    let cast = processes.cast.clone();
    let national = processes.desk(&cast.national).await;
    let other = employ(&site, &national, &cast.adachi.supervisor).await;
    let (first, second) =
        (processes.desk(&cast.adachi.supervisor).await, processes.desk(&other).await);
    let second = std::sync::Arc::new(second);
    let clerk = processes.desk(&cast.adachi.clerk).await;
    let subjects = register(&clerk, FIRST_SERIAL..FIRST_SERIAL + 2 * ROUNDS + 4).await;
    let room = Backroom { site: &site, code: cast.adachi.code };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for gone in subjects.chunks(2).take(usize::try_from(ROUNDS).unwrap()) {
        let shown: Erasure = from_value(insist(&first, ERASURES, &persons(gone)).await).unwrap();
        let (desk, body) = (std::sync::Arc::clone(&second), approval(&shown));
        let asking = tokio::spawn(async move {
            let answer: Result<Erasure, CallError> = desk.room(ERASURES_APPROVE, &body).await;
            answer.is_ok()
        });
        tokio::time::sleep(Duration::from_millis(dice.roll(12))).await;
        processes.kill_and_start(ServiceKind::Partition).await;
        let was_told = asking.await.unwrap();
        let read = json!({ "erasure": shown.erasure });
        let known: Erasures = from_value(insist(&first, ERASURES_READ, &read).await).unwrap();
        match (known.erasures[0].state, room.count(gone).await) {
            (ErasureState::Erased, 0) => {}
            (ErasureState::Proposed, 2) => {}
            (state, rows) => panic!("{state:?} with {rows} rows"),
        }
        assert!(!was_told || known.erasures[0].state == ErasureState::Erased, "told, and undone");
        let erased: Erasure =
            from_value(insist(&second, ERASURES_APPROVE, &approval(&shown)).await).unwrap();
        assert_eq!((erased.state, room.count(gone).await), (ErasureState::Erased, 0));

        let older = room.keys().data_key();
        let body = json!({ "rotation": Uuid::new_v4() });
        insist(&first, KEYS_ROTATE, &body).await;
        tokio::time::sleep(Duration::from_millis(dice.roll(150))).await;
        processes.kill_and_start(ServiceKind::Partition).await;
        room.count(&[]).await;
        let mut tries = 0;
        while !is_done(&first, &body).await {
            tries += 1;
            assert!(tries < 600, "the rotation does not end");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(room.keys().data_keys(), [older + 1]);
        room.count(&[]).await;
    }
    assert_eq!(room.count(&subjects).await, 4);
}
