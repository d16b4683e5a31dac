//! A room gets new data keys while it runs; what was erased can then be opened by nobody.

use crypto::{Cell, KeyStore, RoomKeys};
use diesel::RunQueryDsl as _;
use diesel::sql_types::{BigInt, Binary};
use domain::{MunicipalityCode, Role};
use serde_json::json;
use uuid::Uuid;
use wire::erasure::{KEYS_ROTATE, Rotation, RotationState};
use wire::partition as api;

use crate::erasing::{dump, erase, persons, supervisors};
use crate::world::{ADACHI, World, dose, on_both, on_both_with, question, refusal, until};

/// A version of a person's entry as it is stored.
#[derive(diesel::QueryableByName, Debug, Clone)]
struct Entry {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
}

impl Entry {
    fn opens(&self, keys: &RoomKeys) -> bool {
        let version = u32::try_from(self.version).unwrap();
        let cell = Cell { table: "subject", column: "sealed", row: &self.id, version };
        keys.open(&cell, &self.sealed).is_ok()
    }
}

async fn entries(world: &World) -> Vec<Entry> {
    let sql = format!(
        "SELECT id, CAST(version AS BIGINT) AS version, sealed FROM subject \
         WHERE municipality = '{ADACHI}' ORDER BY id, version"
    );
    world.test.as_owner(move |tx| diesel::sql_query(sql).load(tx)).await
}

/// The room's keys as they are stored now.
fn keys(world: &World) -> RoomKeys {
    let config = &world.config.keys;
    let store = KeyStore::open(&config.key_encryption_key, &config.folder).unwrap();
    store.room(MunicipalityCode::parse(ADACHI).unwrap()).unwrap().unwrap()
}

async fn rotate(world: &World, rotation: Uuid) -> Rotation {
    let [boss, _] = supervisors(world);
    boss.post(KEYS_ROTATE, &json!({ "rotation": rotation })).await.unwrap()
}

async fn rotated(world: &World) -> Rotation {
    let id = Uuid::new_v4();
    assert_eq!(rotate(world, id).await.state, RotationState::Resealing);
    until("rotated", async || rotate(world, id).await.state == RotationState::Done).await;
    rotate(world, id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_opens_with_no_key_that_is_left_and_the_rest_is_as_before() {
    on_both(async |world| {
        world.mover(1).await;
        world.mover(2).await;
        world.ask(&question(1)).await.unwrap();
        let [boss, _] = supervisors(&world);
        let before = entries(&world).await;
        let all_open =
            |entries: &[Entry]| entries.iter().filter(|e| e.opens(&keys(&world))).count();
        assert_eq!(all_open(&before), 2);

        let gone = Uuid::from_slice(&before[0].id).unwrap();
        let proposal = persons(&[gone]);
        erase(&world, &proposal).await;
        // Whoever has an old page or a backup, and the keys, still reads it: so keys must go too.
        assert!(before[0].opens(&keys(&world)));

        let done = rotated(&world).await;
        assert!(done.resealed > 0, "{done:?}");
        assert_eq!(keys(&world).data_keys(), [2]);
        assert_eq!(all_open(&before), 0, "what a backup holds opens no more");
        let after = entries(&world).await;
        assert_eq!((after.len(), all_open(&after)), (1, 1));
        assert_eq!((&after[0].id, after[0].version), (&before[1].id, before[1].version));

        // The room works on, across a restart too.
        let page = api::ListPage { from: 0, limit: 10 };
        let provisions = boss.post::<api::Provisions>(api::PROVISIONS_LIST, &page).await.unwrap();
        assert_eq!(provisions.provisions.len(), 1, "records of provisions stay readable");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_answers_while_its_keys_change_and_after_a_restart() {
    on_both_with("ending = { reseal_cells_max = 2 }\n", async |mut world| {
        for number in 1..8 {
            world.mover(number).await;
        }
        let id = Uuid::new_v4();
        rotate(&world, id).await;
        for number in 1..8 {
            let answer = world.ask(&question(number)).await.unwrap();
            assert_eq!(answer.outcome, api::AskOutcome::Provided);
        }
        // Stopped wherever it is, it goes on by itself.
        world.stop().await;
        world.start().await;
        until("rotated", async || rotate(&world, id).await.state == RotationState::Done).await;
        assert_eq!(keys(&world).data_keys(), [2]);
        let opens = entries(&world).await;
        assert!(opens.iter().all(|entry| entry.opens(&keys(&world))));
        for number in 1..8 {
            let answer = world.ask(&question(number)).await.unwrap();
            assert_eq!(answer.outcome, api::AskOutcome::Provided);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_rotation_waits_for_the_first_and_a_clerk_begins_none() {
    on_both_with("ending = { reseal_cells_max = 1 }\n", async |world| {
        world.mover(1).await;
        let clerk = world.desk(ADACHI, Role::Clerk);
        let body = json!({ "rotation": Uuid::new_v4() });
        assert_eq!(refusal(clerk.post::<Rotation>(KEYS_ROTATE, &body).await).0, 403);
        let sql = "INSERT INTO key_rotation VALUES ('131211', '0123456789abcdef', 1, 'resealed', \
                   0, 'boss-9', 1, NULL)";
        world.execute([sql, sql]).await;
        let [boss, _] = supervisors(&world);
        let refused = refusal(boss.post::<Rotation>(KEYS_ROTATE, &body).await);
        assert_eq!(refused, (409, "rotation-under-way".to_owned()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_change_by_themselves_after_an_erasure() {
    let settings = "ending = { retention_every_s = 1, rotate_after_erasure_s = 3600 }\n";
    on_both_with(settings, async |world| {
        let clerk = world.desk(ADACHI, Role::Clerk);
        let [gone, _] = [clerk.register(1).await, clerk.register(2).await];
        clerk.vaccinate(gone, dose()).await;
        let proposal = persons(&[gone]);
        erase(&world, &proposal).await;
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        assert_eq!(keys(&world).data_keys(), [1], "not yet");
        world.pass(3_601).await;
        until("rotated", async || keys(&world).data_keys() == [2]).await;
        until("once", async || dump(&world).await["key_rotation"].len() == 1).await;
    })
    .await;
}

/// Retention looks once a day; new keys do not wait for that.
#[tokio::test(flavor = "multi_thread")]
async fn keys_change_in_time_however_seldom_retention_looks() {
    on_both_with("ending = { rotate_after_erasure_s = 2 }\n", async |world| {
        let gone = world.desk(ADACHI, Role::Clerk).register(1).await;
        erase(&world, &persons(&[gone])).await;
        world.pass(2).await;
        until("rotated", async || keys(&world).data_keys() == [2]).await;
    })
    .await;
}
