//! A municipality leaves: two supervisors, a signed slip, and no keys any more.

use crypto::KeyStore;
use domain::{MunicipalityCode, Role};
use ledger::{KeyName, Note, WitnessVerifier};
use serde_json::{Value, json};
use uuid::Uuid;
use wire::erasure::{ROOM_CLOSE, RoomClosing};
use wire::exports::{
    EXPORTS_DOSES, EXPORTS_SUBJECTS, ExportPage, Exported, FileEncoding, FileLineEnd,
};
use wire::partition as api;

use crate::erasing::{dump, supervisors};
use crate::world::log::ORIGIN;
use crate::world::{ADACHI, Desk, KORIYAMA, World, dose, on_both, on_both_with, question, refusal};

const PERSONS: (&str, &str) = (EXPORTS_SUBJECTS, "subjects-export-1");
const DOSES: (&str, &str) = (EXPORTS_DOSES, "doses-export-1");

fn closing(id: Uuid) -> Value {
    json!({ "closing": id, "municipality": ADACHI, "exportTaken": true })
}

fn store(world: &World) -> KeyStore {
    let config = &world.config.keys;
    KeyStore::open(&config.key_encryption_key, &config.folder).unwrap()
}

async fn look(world: &World, municipality: &str) -> Result<api::Provisions, wire::CallError> {
    let desk = world.desk(municipality, Role::Supervisor);
    desk.post(api::PROVISIONS_LIST, &api::ListPage { from: 0, limit: 1 }).await
}

/// All pages of an export, each of one person.
async fn export(world: &World, (path, layout): (&str, &str), pages: usize) {
    let [boss, _] = supervisors(world);
    let mut from = None;
    for nth in 1.. {
        let page = ExportPage {
            layout: layout.to_owned(),
            encoding: FileEncoding::Utf8,
            line_end: FileLineEnd::Lf,
            from,
            limit: 1,
        };
        let page: Exported = boss.post(path, &page).await.unwrap();
        from = page.next;
        if from.is_none() || nth == pages {
            return;
        }
    }
}

async fn export_all(world: &World) {
    world.pass(1).await;
    export(world, PERSONS, usize::MAX).await;
    export(world, DOSES, usize::MAX).await;
}

async fn close(world: &World) -> String {
    export_all(world).await;
    let [first, second] = supervisors(world);
    let id = Uuid::new_v4();
    let proposed: RoomClosing = first.post(ROOM_CLOSE, &closing(id)).await.unwrap();
    assert!(!proposed.closed && proposed.slip.is_none());
    let closed: RoomClosing = second.post(ROOM_CLOSE, &closing(id)).await.unwrap();
    assert!(closed.closed);
    closed.slip.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_person_closes_no_room_and_nobody_closes_one_without_an_export() {
    on_both(async |world| {
        let [first, second] = supervisors(&world);
        let clerk = world.desk(ADACHI, Role::Clerk);
        let id = Uuid::new_v4();
        assert_eq!(refusal(clerk.post::<RoomClosing>(ROOM_CLOSE, &closing(id)).await).0, 403);
        for (field, value) in [("exportTaken", json!(false)), ("municipality", json!(KORIYAMA))] {
            let mut body = closing(id);
            body[field] = value;
            assert_eq!(refusal(first.post::<RoomClosing>(ROOM_CLOSE, &body).await).0, 400);
        }
        export_all(&world).await;
        for _ in 0..2 {
            let proposed: RoomClosing = first.post(ROOM_CLOSE, &closing(id)).await.unwrap();
            assert!(!proposed.closed);
        }
        // Another proposal is not the second person's word about the first one.
        let other: RoomClosing = second.post(ROOM_CLOSE, &closing(Uuid::new_v4())).await.unwrap();
        assert!(!other.closed);
        look(&world, ADACHI).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_closed_only_when_all_of_it_was_exported_after_its_last_change() {
    on_both(async |world| {
        let [first, second] = supervisors(&world);
        let clerk = world.desk(ADACHI, Role::Clerk);
        let subject = clerk.register(1).await;
        clerk.register(2).await;
        let id = Uuid::new_v4();
        let ask = async |desk: &Desk| desk.post::<RoomClosing>(ROOM_CLOSE, &closing(id)).await;
        let refused = (409, "not-exported".to_owned());
        world.pass(1).await;
        assert_eq!(refusal(ask(&first).await), refused, "nothing was exported");
        export(&world, PERSONS, usize::MAX).await;
        assert_eq!(refusal(ask(&first).await), refused, "the doses are missing");
        export(&world, DOSES, 1).await;
        assert_eq!(refusal(ask(&first).await), refused, "a page is missing");
        export(&world, DOSES, usize::MAX).await;
        assert!(!ask(&first).await.unwrap().closed);
        world.pass(1).await;
        clerk.vaccinate(subject, dose()).await;
        assert_eq!(refusal(ask(&second).await), refused, "a dose came since");
        export_all(&world).await;
        assert!(ask(&second).await.unwrap().closed);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_room_leaves_a_slip_that_its_published_key_proves() {
    on_both(async |world| {
        world.mover(1).await;
        let key = world.registry.signing_key(ADACHI).to_ed25519();
        let slip = close(&world).await;
        let note: Note = slip.parse().unwrap();
        let name = KeyName::parse(&format!("{ORIGIN}/operations/{ADACHI}")).unwrap();
        assert!(WitnessVerifier::new(name, key).verify(&note).unwrap().is_some());
        for words in [
            "municipality 131211",
            "proposed-by boss-1",
            "approved-by boss-2",
            "data-keys 1",
            "export subjects pages 2 rows 1 at ",
            "export doses pages 2 rows 1 at ",
        ] {
            assert!(note.text().contains(words), "{words}: {slip}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_room_stays_closed_and_an_older_database_stays_unreadable() {
    on_both(async |mut world| {
        world.mover(1).await;
        let before = dump(&world).await;
        close(&world).await;
        let closed = (503, "room-closed".to_owned());
        assert_eq!(refusal(look(&world, ADACHI).await), closed);
        look(&world, KORIYAMA).await.unwrap();
        // The neighbour hears that the room does not answer, and never "nothing".
        let asked = refusal(world.ask(&question(1)).await);
        assert_eq!(asked.0, 503, "{asked:?}");

        world.stop().await;
        let rows = dump(&world).await;
        assert_eq!(rows["subject"], before["subject"], "the rows are there, and nobody reads them");
        // A backup from before the end, in which nothing says that the room was closed.
        let sql = "DELETE FROM room_closing";
        world.execute([sql, sql]).await;
        world.start().await;
        assert_eq!(refusal(look(&world, ADACHI).await), closed);
        look(&world, KORIYAMA).await.unwrap();
        let adachi = MunicipalityCode::parse(ADACHI).unwrap();
        assert!(store(&world).room(adachi).unwrap().is_none());
        assert!(store(&world).make_room(adachi).is_err(), "no new keys by mistake");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_was_agreed_on_comes_after_a_crash_too() {
    on_both(async |mut world| {
        world.mover(1).await;
        world.stop().await;
        let sql = "INSERT INTO room_closing VALUES ('131211', '0123456789abcdef', 'boss-1', 1, \
                   'boss-2', 2, 'slip')";
        world.execute([sql, sql]).await;
        world.start().await;
        let adachi = MunicipalityCode::parse(ADACHI).unwrap();
        crate::world::until("closed", async || store(&world).is_closed(adachi)).await;
        assert_eq!(refusal(look(&world, ADACHI).await), (503, "room-closed".to_owned()));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_comes_by_itself_when_its_slip_can_be_put_down() {
    let disk = tempfile::tempdir().unwrap();
    let folder = disk.path().join("slips");
    let settings = format!("ending = {{ slips = '{}' }}\n", folder.display());
    on_both_with(&settings, async |world| {
        export_all(&world).await;
        let [first, second] = supervisors(&world);
        let id = Uuid::new_v4();
        let _: RoomClosing = first.post(ROOM_CLOSE, &closing(id)).await.unwrap();
        let away = refusal(second.post::<RoomClosing>(ROOM_CLOSE, &closing(id)).await);
        assert_eq!(away.0, 503, "{away:?}");
        std::fs::create_dir(&folder).unwrap();
        let adachi = MunicipalityCode::parse(ADACHI).unwrap();
        crate::world::until("closed", async || store(&world).is_closed(adachi)).await;
        let slip = std::fs::read_to_string(folder.join(format!("{ADACHI}.closed.note"))).unwrap();
        assert!(slip.contains(&format!("closing {id}")));
        std::fs::remove_dir_all(&folder).unwrap();
    })
    .await;
}
