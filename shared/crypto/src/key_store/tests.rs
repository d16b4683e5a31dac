use std::fs;
use std::os::unix::fs::PermissionsExt;

use static_assertions::assert_not_impl_any;
use tempfile::TempDir;

use super::*;
use crate::{Cell, Purpose};

assert_not_impl_any!(KeyStore: fmt::Display, Clone, Serialize);

const CELL: Cell<'_> = Cell { table: "subject", column: "number", row: b"row-1", version: 1 };

/// A key store on a disk of its own.
struct Disk {
    disk: TempDir,
    store: KeyStore,
}

impl Disk {
    fn new() -> Self {
        let disk = tempfile::tempdir().unwrap();
        let store = KeyStore::create(&disk.path().join("kek"), &disk.path().join("rooms")).unwrap();
        Self { disk, store }
    }

    fn reopen(&self) -> Result<KeyStore, CryptoError> {
        KeyStore::open(&self.disk.path().join("kek"), &self.disk.path().join("rooms"))
    }

    fn room_text(&self, municipality: MunicipalityCode) -> String {
        fs::read_to_string(self.store.file_of(municipality)).unwrap()
    }
}

fn adachi() -> MunicipalityCode {
    MunicipalityCode::parse("131211").unwrap()
}

fn koriyama() -> MunicipalityCode {
    MunicipalityCode::parse("072036").unwrap()
}

#[test]
fn a_room_is_the_same_after_a_restart() {
    let disk = Disk::new();
    let made = disk.store.make_room(adachi()).unwrap();
    let sealed = made.seal(&CELL, b"secret").unwrap();

    let found = disk.reopen().unwrap().room(adachi()).unwrap().unwrap();
    assert_eq!(found.municipality(), adachi());
    assert_eq!(found.open(&CELL, &sealed).unwrap().as_slice(), b"secret");
    assert_eq!(found.public_keys(), made.public_keys());
    let taro = domain::IndividualNumber::for_test(1);
    assert_eq!(found.blind_index(&taro), made.blind_index(&taro));
}

#[test]
fn no_keys_is_none_and_not_knowing_is_an_error() {
    let disk = Disk::new();
    assert!(disk.store.room(adachi()).unwrap().is_none());

    disk.store.make_room(adachi()).unwrap();
    fs::write(disk.store.file_of(adachi()), "{").unwrap();
    assert_eq!(disk.store.room(adachi()).err(), Some(CryptoError::Malformed));
}

#[test]
fn a_disk_that_has_gone_is_not_a_room_without_keys() {
    let disk = Disk::new();
    disk.store.make_room(adachi()).unwrap();
    let (rooms, away) = (disk.disk.path().join("rooms"), disk.disk.path().join("away"));
    fs::rename(&rooms, &away).unwrap();
    let not_found = Some(CryptoError::KeyFile(ErrorKind::NotFound));
    assert_eq!(disk.store.room(adachi()).err(), not_found);
    fs::create_dir(&rooms).unwrap();
    assert_eq!(disk.store.room(adachi()).err(), not_found);
    assert_eq!(disk.store.make_room(adachi()).err(), not_found);
}

#[test]
fn a_room_is_made_only_once() {
    let disk = Disk::new();
    let made = disk.store.make_room(adachi()).unwrap();
    let refusal = disk.store.make_room(adachi()).err();
    assert_eq!(refusal, Some(CryptoError::KeyFile(ErrorKind::AlreadyExists)));
    let found = disk.store.room(adachi()).unwrap().unwrap();
    assert_eq!(found.public_keys(), made.public_keys());
}

#[test]
fn two_rooms_share_no_key() {
    let disk = Disk::new();
    let [here, there] = [adachi(), koriyama()].map(|code| disk.store.make_room(code).unwrap());
    let sealed = here.seal(&CELL, b"secret").unwrap();
    assert_eq!(there.open(&CELL, &sealed), Err(CryptoError::Open));
    assert_ne!(here.public_keys(), there.public_keys());
}

#[test]
fn rotated_keys_still_open_what_they_sealed() {
    let disk = Disk::new();
    let before = disk.store.make_room(adachi()).unwrap();
    let old = before.seal(&CELL, b"secret").unwrap();
    disk.store.rotate_data_key(adachi()).unwrap();
    disk.store.rotate_sealing_key(adachi()).unwrap();
    let after = disk.store.rotate_signing_key(adachi()).unwrap();

    assert_eq!(after.open(&CELL, &old).unwrap().as_slice(), b"secret");
    let new = after.seal(&CELL, b"secret").unwrap();
    assert_eq!(before.open(&CELL, &new), Err(CryptoError::UnknownKey));

    let published = disk.reopen().unwrap().room(adachi()).unwrap().unwrap().public_keys();
    assert_eq!(published, after.public_keys());
    assert_eq!(published.sealing.iter().map(|key| key.id).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(published.signing.iter().map(|key| key.id).collect::<Vec<_>>(), [2, 1]);
    let signature = after.sign(Purpose::Inquiry, b"message");
    assert_eq!(published.verify(Purpose::Inquiry, b"message", &signature), Ok(()));
}

#[test]
fn a_room_without_keys_cannot_be_rotated() {
    let disk = Disk::new();
    assert_eq!(disk.store.rotate_data_key(adachi()).err(), Some(CryptoError::UnknownKey));
}

#[test]
fn rotations_at_the_same_time_lose_no_key() {
    let disk = Disk::new();
    disk.store.make_room(adachi()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| disk.store.rotate_sealing_key(adachi()).unwrap());
        }
    });
    let published = disk.store.room(adachi()).unwrap().unwrap().public_keys();
    assert_eq!(published.sealing.len(), 9);
}

#[test]
fn a_destroyed_room_cannot_be_read_by_its_successor() {
    let disk = Disk::new();
    let sealed = disk.store.make_room(adachi()).unwrap().seal(&CELL, b"secret").unwrap();
    disk.store.make_room(koriyama()).unwrap();
    disk.store.destroy_room(adachi()).unwrap();
    assert!(disk.store.room(adachi()).unwrap().is_none());
    assert!(!disk.store.file_of(adachi()).exists());
    assert!(disk.store.room(koriyama()).unwrap().is_some());

    let successor = disk.store.make_room(adachi()).unwrap();
    assert_eq!(successor.open(&CELL, &sealed), Err(CryptoError::Open));
}

#[test]
fn an_older_data_key_is_destroyed_and_every_other_key_stays() {
    let disk = Disk::new();
    let before = disk.store.make_room(adachi()).unwrap();
    let (old, record) = (before.seal(&CELL, b"old"), before.seal_record(&CELL, b"record"));
    disk.store.rotate_sealing_key(adachi()).unwrap();
    let new = disk.store.rotate_data_key(adachi()).unwrap().seal(&CELL, b"new");
    let after = disk.store.destroy_older_data_keys(adachi()).unwrap();
    assert_eq!((after.data_key(), after.data_keys()), (2, vec![2]));
    for keys in [after, disk.reopen().unwrap().room(adachi()).unwrap().unwrap()] {
        assert_eq!(keys.open(&CELL, old.as_ref().unwrap()), Err(CryptoError::UnknownKey));
        assert_eq!(keys.open(&CELL, new.as_ref().unwrap()).unwrap().as_slice(), b"new");
        assert_eq!(keys.open(&CELL, record.as_ref().unwrap()).unwrap().as_slice(), b"record");
        assert_eq!(keys.public_keys().sealing.len(), 2);
    }
    let before = disk.room_text(adachi());
    disk.store.destroy_older_data_keys(adachi()).unwrap();
    assert_eq!(disk.store.rotate_data_key(adachi()).unwrap().data_keys(), [3, 2]);
    assert_ne!(disk.room_text(adachi()), before);
}

#[test]
fn a_destroyed_data_key_is_overwritten_in_every_file_that_ever_held_it() {
    let disk = Disk::new();
    disk.store.make_room(adachi()).unwrap();
    // What the disk keeps of the first file once its name is gone.
    let first = disk.disk.path().join("first");
    fs::hard_link(disk.store.file_of(adachi()), &first).unwrap();
    disk.store.rotate_data_key(adachi()).unwrap();
    disk.store.destroy_older_data_keys(adachi()).unwrap();
    assert!(fs::read(first).unwrap().iter().all(|byte| *byte == 0));
}

#[test]
fn a_closed_room_never_gets_keys_again() {
    let disk = Disk::new();
    disk.store.make_room(adachi()).unwrap();
    disk.store.make_room(koriyama()).unwrap();
    let text = disk.room_text(adachi());
    disk.store.close_room(adachi()).unwrap();
    let refusal = disk.store.make_room(adachi()).err();
    assert_eq!(refusal, Some(CryptoError::KeyFile(ErrorKind::AlreadyExists)));
    assert_eq!(disk.store.rotate_data_key(adachi()).err(), Some(CryptoError::UnknownKey));
    // Stopped before the keys were gone, or somebody put a copy back.
    fs::write(disk.store.file_of(adachi()), text).unwrap();
    assert!(disk.reopen().unwrap().room(adachi()).unwrap().is_none());
    assert!(!disk.store.file_of(adachi()).exists());
    assert!(disk.store.is_closed(adachi()) && !disk.store.is_closed(koriyama()));
    assert!(disk.store.room(koriyama()).unwrap().is_some());
}

#[test]
fn every_key_file_is_for_its_owner_only() {
    let disk = Disk::new();
    disk.store.make_room(adachi()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&disk.disk.path().join("kek")), 0o600);
    assert_eq!(mode(&disk.store.file_of(adachi())), 0o600);
    assert_eq!(mode(&disk.disk.path().join("rooms")), 0o700);
}

#[test]
fn neither_key_encryption_key_nor_store_is_made_anew() {
    let disk = Disk::new();
    let path = |name: &str| disk.disk.path().join(name);
    let before = fs::read(path("kek")).unwrap();
    for (kek, rooms) in [("kek", "rooms"), ("kek", "new-rooms"), ("new-kek", "rooms")] {
        let refusal = KeyStore::create(&path(kek), &path(rooms)).err();
        assert_eq!(refusal, Some(CryptoError::KeyFile(ErrorKind::AlreadyExists)), "{kek} {rooms}");
    }
    assert_eq!(fs::read(path("kek")).unwrap(), before);
    assert!(!path("new-kek").exists());
}

#[test]
fn a_store_that_does_not_exist_is_not_made_by_opening() {
    let disk = Disk::new();
    let kek = disk.disk.path().join("kek");
    let missing = disk.disk.path().join("typo");
    let not_found = Some(CryptoError::KeyFile(ErrorKind::NotFound));
    assert_eq!(KeyStore::open(&kek, &missing).err(), not_found);
    assert_eq!(KeyStore::open(&missing, &disk.disk.path().join("rooms")).err(), not_found);
    assert!(!missing.exists());
}

#[test]
fn another_key_encryption_key_is_named_as_the_reason() {
    let (disk, other) = (Disk::new(), Disk::new());
    disk.store.make_room(adachi()).unwrap();
    fs::copy(other.disk.path().join("kek"), disk.disk.path().join("kek")).unwrap();
    let refusal = disk.reopen().unwrap().room(adachi()).err();
    assert_eq!(refusal, Some(CryptoError::OtherKeyEncryptionKey));
}

#[test]
fn a_wrapped_key_put_in_another_place_does_not_unwrap() {
    let disk = Disk::new();
    for code in [adachi(), koriyama()] {
        disk.store.make_room(code).unwrap();
    }
    let good = disk.room_text(adachi());
    let renamed = disk.room_text(koriyama()).replace("072036", "131211");
    let renumbered = good.replacen("\"id\": 1", "\"id\": 2", 1);
    let swapped = good.replace("\"data\"", "\"?\"").replace("\"index\"", "\"data\"");
    let swapped = swapped.replace("\"?\"", "\"index\"");
    for forged in [renamed, renumbered, swapped] {
        assert_ne!(forged, good);
        fs::write(disk.store.file_of(adachi()), forged).unwrap();
        assert_eq!(disk.store.room(adachi()).err(), Some(CryptoError::Open));
    }
}

#[test]
fn every_changed_letter_of_a_wrapped_key_is_noticed() {
    let disk = Disk::new();
    disk.store.make_room(adachi()).unwrap();
    let good = disk.room_text(adachi());
    let start = good.find("\"wrapped\": \"").unwrap() + "\"wrapped\": \"".len();
    for at in start..start + 80 {
        let mut forged = good.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        fs::write(disk.store.file_of(adachi()), forged).unwrap();
        assert!(disk.store.room(adachi()).is_err(), "letter {at}");
    }
}

#[test]
fn no_key_stands_readable_in_the_files_or_in_debug() {
    let disk = Disk::new();
    let secrets = {
        disk.store.make_room(adachi()).unwrap();
        disk.store.secrets(adachi()).unwrap().unwrap()
    };
    let text = disk.room_text(adachi());
    for RoomSecret { secret, kind, .. } in secrets {
        assert!(!text.contains(&encoding::encode(secret.as_slice())), "{kind:?}");
    }
    assert_eq!(format!("{:#?}", disk.store), "KeyStore(redacted)");
}
