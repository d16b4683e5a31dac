//! What is left of the erased where nobody looks: in the database's files and its write-ahead log,
//! and in a backup that somebody puts back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crypto::{Cell, RoomKeys};
use domain::ServiceKind;
use room::store::raw::{self, Part, Value};
use serde_json::{Value as Json, json};
use service::ApiError;
use service::config::Secret as ConfigSecret;
use uuid::Uuid;
use watari::Settings;
use watari::house::House;
use watari::story::desk::Desk;
use watari::story::residents::Resident;
use wire::erasure::{ERASURES, ERASURES_APPROVE, Erasure};
use wire::records::RECORDS_FIND;

use super::erasure::{Backroom, approval, employ, is_done, persons, register};
use super::needles::{Needles, Secret};
use super::postgres::Postgres;
use super::search;
use crate::support::{RUNTIME, World, clock};

const FIRST_SERIAL: u32 = 7_100_000;

/// A sealed value of a person, with the place it was sealed for.
struct Sealed {
    table: &'static str,
    column: &'static str,
    row: Vec<u8>,
    version: u32,
    sealed: Vec<u8>,
}

impl Sealed {
    fn opens(&self, keys: &RoomKeys) -> bool {
        let Self { table, column, row, version, sealed } = self;
        let cell = Cell { table, column, row, version: *version };
        keys.open(&cell, sealed).is_ok()
    }

    /// What no other cell has: everything after the number of the key.
    fn needle(&self) -> &[u8] {
        &self.sealed[5..]
    }
}

const CELLS: [(&str, &str, &[Part]); 3] = [
    ("subject", "sealed", &[Part::Bytes("id"), Part::Number("version")]),
    ("subject_number", "number_sealed", &[Part::Bytes("subject_id")]),
    (
        "vaccination",
        "sealed",
        &[Part::Bytes("subject_id"), Part::Bytes("id"), Part::Number("version")],
    ),
];

/// Entry, number and doses of a person.
async fn sealed_of(settings: &Settings, subject: Uuid) -> Vec<Sealed> {
    as_owner(settings, move |tx| {
        let mut all = Vec::new();
        for (table, column, key) in CELLS {
            let rest = format!("WHERE {} = $1", key[0].column());
            let binds = [Value::Bytes(subject.as_bytes().to_vec())];
            for found in raw::load(tx, (table, key, column), (&rest, &binds))? {
                let (mut row, mut version) = (Vec::new(), 1);
                for value in found.values {
                    match value {
                        Value::Number(number) => version = u32::try_from(number).unwrap(),
                        part => row.extend(part.to_bytes()),
                    }
                }
                let sealed = found.sealed.unwrap();
                all.push(Sealed { table, column, row, version, sealed });
            }
        }
        Ok(all)
    })
    .await
}

async fn as_owner<T: Send + 'static>(
    settings: &Settings,
    work: impl Fn(&mut db::Tx) -> Result<T, ApiError> + Send + 'static,
) -> T {
    let owner = settings.database(ServiceKind::Partition).unwrap().owner().unwrap();
    db::as_owner(&owner, work).await.unwrap()
}

/// The partition's database on the disk.
struct Disk {
    server: Option<Postgres>,
}

impl Disk {
    /// Its files, and its write-ahead log.
    fn places(&self, settings: &Settings) -> Vec<PathBuf> {
        match &self.server {
            Some(server) => {
                ["base", "pg_wal"].map(|name| server.folder().join("data").join(name)).into()
            }
            None => files_of(&url(settings)),
        }
    }

    /// What somebody takes away while the service runs.
    fn back_up(&self, settings: &Settings, folder: &Path) -> Self {
        if let Some(server) = &self.server {
            return Self { server: Some(server.base_backup()) };
        }
        for file in files_of(&url(settings)) {
            std::fs::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
        }
        Self { server: None }
    }

    /// The settings of a partition that works on this copy.
    fn put_back(&self, settings: &Settings, (live, folder): (&Self, &Path)) -> Settings {
        let instead = |url: &ConfigSecret| {
            let url = url.reveal().unwrap();
            ConfigSecret::Value(match (&self.server, &live.server) {
                (Some(copy), Some(server)) => copy.instead_of(server, &url),
                _ => {
                    let file = files_of(&url).remove(0);
                    format!("sqlite:{}", folder.join(file.file_name().unwrap()).display())
                }
            })
        };
        self.server.iter().for_each(Postgres::go);
        let mut settings = settings.clone();
        let database = &mut settings.partition.as_mut().unwrap().database;
        database.owner_url = database.owner_url.as_ref().map(instead);
        database.url = instead(&database.url);
        settings
    }
}

fn url(settings: &Settings) -> String {
    settings.database(ServiceKind::Partition).unwrap().url.reveal().unwrap().to_string()
}

fn files_of(url: &str) -> Vec<PathBuf> {
    let file = url.strip_prefix("sqlite:").unwrap();
    let all = ["", "-wal", "-shm"].map(|end| PathBuf::from(format!("{file}{end}")));
    all.into_iter().filter(|file| file.exists()).collect()
}

/// How many of these values stand in the files, byte for byte.
fn found_in(places: &[PathBuf], cells: &[Sealed]) -> usize {
    let files: Vec<PathBuf> = places
        .iter()
        .flat_map(|place| if place.is_dir() { search::files(place) } else { vec![place.clone()] })
        .collect();
    let mut is_found = vec![false; cells.len()];
    for file in files {
        let bytes = std::fs::read(file).unwrap_or_default();
        for (at, pair) in bytes.windows(2).enumerate() {
            for (cell, is_found) in cells.iter().zip(&mut is_found) {
                let needle = cell.needle();
                *is_found |=
                    pair[0] == needle[0] && pair[1] == needle[1] && bytes[at..].starts_with(needle);
            }
        }
    }
    is_found.into_iter().filter(|is_found| *is_found).count()
}

#[test]
fn nothing_that_is_left_or_put_back_opens_what_was_erased() {
    for server in [None, Some(Postgres::start())] {
        RUNTIME.block_on(try_to_read(Disk { server }));
    }
}

async fn try_to_read(disk: Disk) {
    let owner_url = disk.server.as_ref().map(Postgres::owner_url);
    let mut world = World::start_on(owner_url, |_| ()).await;
    let (cast, site) = (world.cast.clone(), world.house.site());
    let settings = world.house.settings.clone();
    let national = world.desk(&cast.national).await;
    let other = employ(&site, &national, &cast.adachi.supervisor).await;
    let (first, second) = (world.desk(&cast.adachi.supervisor).await, world.desk(&other).await);
    let clerk = world.desk(&cast.adachi.clerk).await;
    let subjects = register(&clerk, FIRST_SERIAL..FIRST_SERIAL + 3).await;
    let room = Backroom { site: &site, code: cast.adachi.code };
    let cells = sealed_of(&settings, subjects[0]).await;
    assert_eq!(cells.len(), CELLS.len());
    assert!(cells.iter().all(|cell| cell.opens(&room.keys())));
    let former = wrapped_data_keys(&site_file(&settings, cast.adachi.code.as_str()));
    let folder = tempfile::tempdir().unwrap();
    let copy = disk.back_up(&settings, folder.path());
    let in_copy = match &copy.server {
        Some(_) => copy.places(&settings),
        None => vec![folder.path().to_owned()],
    };
    assert_eq!(found_in(&in_copy, &cells), cells.len(), "the backup has all of it");

    let shown: Erasure = first.room(ERASURES, &persons(&subjects[..1])).await.unwrap();
    let _: Erasure = second.room(ERASURES_APPROVE, &approval(&shown)).await.unwrap();
    let rotation = json!({ "rotation": Uuid::new_v4() });
    while !is_done(&first, &rotation).await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    // The bytes may still be there; the key is not, and nothing ever stood there in the clear.
    let live = disk.places(&settings);
    if disk.server.is_some() {
        assert!(found_in(&live, &cells) > 0, "the write-ahead log has what was erased");
    }
    assert!(cells.iter().all(|cell| !cell.opens(&room.keys())), "what is left opens");
    let needles = Needles::new(&secrets_of(FIRST_SERIAL));
    for place in live.iter().chain(&in_copy) {
        assert_eq!(search::folder(&needles, place).found, [""; 0]);
    }
    let keys = &settings.partition().unwrap().keys.folder;
    for file in search::files(keys) {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(former.iter().all(|key| !text.contains(key)), "{}", file.display());
    }

    // Somebody puts the backup back, and the service works on it with the keys that are left.
    world.house.stop_one(ServiceKind::Partition).await;
    let restored = copy.put_back(&settings, (&disk, folder.path()));
    assert_eq!(sealed_of(&restored, subjects[0]).await.len(), cells.len());
    let house = House::start(restored, &[ServiceKind::Partition], &clock()).await.unwrap();
    for subject in &subjects {
        assert_eq!(look(&clerk, *subject).await, Err(500), "the backup is read");
    }
    house.stop().await;
    world.house.start_one(ServiceKind::Partition, &clock()).await.unwrap();
    let looked = [look(&clerk, subjects[0]).await, look(&clerk, subjects[1]).await];
    assert_eq!(looked, [Err(404), Ok(())], "the others are as before");
}

/// What the clerk's screen shows, once the service has started.
async fn look(clerk: &Desk, subject: Uuid) -> Result<(), u16> {
    let mut last = None;
    for _ in 0..200 {
        match clerk.room::<Json>(RECORDS_FIND, &json!({ "subject": subject })).await {
            Ok(_) => return Ok(()),
            Err(error) => match error.problem() {
                Some(problem) if problem.status != 503 => return Err(problem.status),
                _ => last = Some(error),
            },
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the service does not get ready: {last:?}");
}

/// What was typed about a person.
fn secrets_of(serial: u32) -> Vec<Secret> {
    let request = Resident { serial, doses: Vec::new() }.to_request();
    let number = domain::IndividualNumber::for_test(serial);
    vec![Secret::new("a name", &request.name), Secret::new("a number", number.reveal())]
}

fn site_file(settings: &Settings, municipality: &str) -> PathBuf {
    settings.partition().unwrap().keys.folder.join(format!("{municipality}.json"))
}

/// The room's data keys as they stand in its file.
fn wrapped_data_keys(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let file: Json = serde_json::from_str(&text).unwrap();
    let keys = file["keys"].as_array().unwrap().iter().filter(|key| key["kind"] == "data");
    keys.map(|key| key["wrapped"].as_str().unwrap().to_owned()).collect()
}
