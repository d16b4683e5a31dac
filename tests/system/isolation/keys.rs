//! Keys: wrapped in files that only the owner reads, never in a database; without them a room is
//! closed, and the others are not (C011, C013, C020).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{CryptoError, KeyStore, SigningKey, VerifyingKey};
use domain::ServiceKind;
use serde_json::Value;
use service::server::StartError;
use uuid::Uuid;
use watari::Failure;
use wire::partition::{AskOutcome, ListPage, PROVISIONS_LIST, Provisions};

use super::letter::room_keys;
use super::sql::Sql;
use crate::support::{World, alone_on_both, clock, dose, fresh_number, on_both, question};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A key's kind with its wrapped bytes.
type WrappedKey = (String, Vec<u8>);

/// Key files of the rooms, and what is in them.
fn wrapped_keys(world: &World) -> Vec<(PathBuf, Vec<WrappedKey>)> {
    let folder = &world.site.settings.partition().unwrap().keys.folder;
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let read = |path: PathBuf| {
        let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let keys = file["keys"].as_array().unwrap().iter().map(|key| {
            let wrapped = STANDARD.decode(key["wrapped"].as_str().unwrap()).unwrap();
            (key["kind"].as_str().unwrap().to_owned(), wrapped)
        });
        (path, keys.collect())
    };
    files.map(read).collect()
}

fn kek(world: &World) -> PathBuf {
    world.site.settings.partition().unwrap().keys.key_encryption_key.clone()
}

#[test]
fn only_the_owner_reads_keys_and_they_lie_apart_from_data_and_from_their_wrapping() {
    on_both(async |world| {
        let layout = &world.site.layout;
        let rooms = &world.site.settings.partition().unwrap().keys.folder;
        let mut files: Vec<PathBuf> = [layout.keys(), rooms.clone()]
            .iter()
            .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
            .filter(|path| path.is_file())
            .collect();
        assert!(files.len() >= 8, "{files:?}");
        files.push(kek(world));
        assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
        for folder in [&layout.keys(), rooms, &layout.databases()] {
            assert_eq!(mode(folder), 0o700, "{folder:?}");
        }
        let databases = layout.databases();
        assert!(!kek(world).starts_with(&databases) && !rooms.starts_with(&databases));
        assert!(!kek(world).starts_with(rooms));
    });
}

/// The public half, if these 32 bytes were a private signing key.
fn public_half(world: &World, secret: &[u8]) -> VerifyingKey {
    // PKCS#8 for Ed25519 (RFC 8410) is this prefix and the key.
    const PREFIX: [u8; 16] =
        [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    let der = STANDARD.encode([&PREFIX, secret].concat());
    let file = world.folder.path().join(format!("guess-{}", Uuid::new_v4()));
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n");
    fs::write(&file, pem).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let key = SigningKey::load(&file).unwrap().verifying_key();
    fs::remove_file(&file).unwrap();
    key
}

/// The private key in a PEM file of ours, as 32 bytes.
fn private_half(pem: &str) -> Vec<u8> {
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    STANDARD.decode(body).unwrap()[16..48].to_vec()
}

#[test]
fn a_room_file_holds_its_keys_wrapped_only() {
    on_both(async |world| {
        // A key that is not wrapped would be recognised.
        let plain = SigningKey::make_random().unwrap();
        let secret = private_half(&plain.reveal_pem().unwrap());
        assert_eq!(public_half(world, &secret), plain.verifying_key());
        let files = wrapped_keys(world);
        assert_eq!(files.len(), 3);
        for (path, keys) in files {
            let code = path.file_stem().unwrap().to_str().unwrap();
            let room = domain::MunicipalityCode::parse(code).unwrap();
            let kinds: Vec<&str> = keys.iter().map(|(kind, _)| kind.as_str()).collect();
            assert_eq!(kinds, ["data", "record", "index", "sealing", "signing"]);
            for (kind, wrapped) in keys {
                // Nonce, key, tag; and no 32 bytes of them are the key itself.
                assert_eq!(wrapped.len(), 12 + 32 + 16, "{kind}");
                let signing = room_keys(world, room).public_keys().signing;
                let plain = wrapped.windows(32).any(|secret| {
                    let guess = public_half(world, secret);
                    signing.iter().any(|published| published.key == guess)
                });
                assert!(!plain, "{path:?}: the {kind} key is not wrapped");
            }
        }
    });
}

#[test]
fn no_database_holds_any_key() {
    on_both(async |world| {
        let mut secrets = vec![STANDARD.decode(fs::read_to_string(kek(world)).unwrap().trim())];
        for pem in ["directory", "token", "permit", "provision-log"] {
            let text = fs::read_to_string(world.site.layout.keys().join(format!("{pem}.pem")));
            secrets.push(Ok(private_half(&text.unwrap())));
        }
        let wrapped = wrapped_keys(world).into_iter().flat_map(|(_, keys)| keys);
        let secrets = secrets.into_iter().map(Result::unwrap);
        let secrets: Vec<Vec<u8>> = secrets.chain(wrapped.map(|(_, key)| key)).collect();
        assert_eq!(secrets.len(), 1 + 4 + 15);
        let rows = all_rows(world);
        assert!(!secrets.iter().any(|secret| stands_in(&rows, secret)));
        // A public key is there, so a private one would have been found.
        let public = room_keys(world, world.cast.adachi.code).public_keys();
        assert!(stands_in(&rows, public.signing[0].key.as_bytes()));
    });
}

fn all_rows(world: &World) -> Vec<String> {
    let mut rows = Vec::new();
    for service in [ServiceKind::Registry, ServiceKind::ProvisionLog, ServiceKind::Partition] {
        let mut sql = Sql::owner(world, service);
        for table in sql.tables() {
            rows.extend(sql.rows(&table, "1 = 1"));
        }
    }
    rows
}

/// As bytes, or as one of the texts that bytes are written as.
fn stands_in(rows: &[String], secret: &[u8]) -> bool {
    let hex = hex_of(secret);
    // The last characters of base64 depend on what follows.
    let text = STANDARD.encode(secret)[..40].to_owned();
    let shapes = [hex_of(text.as_bytes()), hex_of(hex.as_bytes()), hex, text];
    rows.iter().any(|row| shapes.iter().any(|shape| row.contains(shape.as_str())))
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn restart(world: &mut World) -> Result<(), StartError> {
    world.house.stop_one(ServiceKind::Partition).await;
    match world.house.start_one(ServiceKind::Partition, &clock()).await {
        Ok(()) => Ok(()),
        Err(Failure::Start { source, .. }) => Err(source),
        Err(other) => panic!("{other:?}"),
    }
}

async fn expect_crypto(world: &mut World, wanted: impl Fn(&CryptoError) -> bool) {
    let refused = restart(world).await.unwrap_err();
    assert!(matches!(&refused, StartError::Keys(error) if wanted(error)), "{refused:?}");
}

#[test]
fn without_the_right_key_encryption_key_nothing_starts() {
    alone_on_both(async |mut world| {
        let (kek, other) = (kek(&world), world.folder.path().join("other"));
        let right = fs::read(&kek).unwrap();
        KeyStore::create(&other.join("kek"), &other.join("rooms")).unwrap();
        fs::write(&kek, fs::read(other.join("kek")).unwrap()).unwrap();
        expect_crypto(&mut world, |e| *e == CryptoError::OtherKeyEncryptionKey).await;
        fs::write(&kek, "bm8ga2V5").unwrap();
        expect_crypto(&mut world, |_| true).await;
        fs::remove_file(&kek).unwrap();
        expect_crypto(&mut world, |e| matches!(e, CryptoError::KeyFile(_))).await;
        fs::write(&kek, &right).unwrap();
        fs::set_permissions(&kek, fs::Permissions::from_mode(0o644)).unwrap();
        expect_crypto(&mut world, |e| *e == CryptoError::KeyFileExposed).await;
        fs::set_permissions(&kek, fs::Permissions::from_mode(0o600)).unwrap();

        // A room's file is no other room's, and one that is spoilt is not a new room.
        let rooms = world.site.settings.partition().unwrap().keys.folder.clone();
        let [adachi, uruma] = ["131211", "472131"].map(|code| rooms.join(format!("{code}.json")));
        let own = fs::read_to_string(&adachi).unwrap();
        let foreign = fs::read_to_string(&uruma).unwrap();
        let renamed = foreign.replace("472131", "131211");
        for wrong in [foreign.as_str(), renamed.as_str(), "{}", "", &own[..own.len() / 2]] {
            fs::write(&adachi, wrong).unwrap();
            expect_crypto(&mut world, |_| true).await;
        }
        fs::write(&adachi, &own).unwrap();
        restart(&mut world).await.unwrap();
    });
}

#[test]
fn a_room_whose_keys_were_destroyed_is_closed_and_the_others_are_not() {
    alone_on_both(async |mut world| {
        let (number, elsewhere) = (fresh_number(), fresh_number());
        let subject = world.live_in_adachi(number, &[dose(1)]).await;
        for moved in [number, elsewhere] {
            world.arrive_in_koriyama(moved).await;
        }
        let [adachi, uruma] = [world.cast.adachi.code, world.cast.uruma.code];
        let koriyama = world.desk(&world.cast.koriyama.clerk).await;
        koriyama.ask(&question(number, adachi)).await.unwrap();

        world.house.stop_one(ServiceKind::Partition).await;
        let keys = world.site.settings.partition().unwrap().keys.clone();
        let store = KeyStore::open(&keys.key_encryption_key, &keys.folder).unwrap();
        store.destroy_room(adachi).unwrap();
        restart(&mut world).await.unwrap();

        // Who asks hears that the source can't answer: never "nothing".
        let koriyama = world.desk(&world.cast.koriyama.clerk).await;
        for asked in [number, elsewhere] {
            let error = koriyama.ask(&question(asked, adachi)).await.unwrap_err();
            let got = error.problem().map(|problem| (problem.status, problem.code.as_str()));
            assert_eq!(got, Some((503, "source-unavailable")), "{error:?}");
        }
        let supervisor = world.desk(&world.cast.adachi.supervisor).await;
        let page = ListPage { from: 0, limit: 10 };
        for error in [
            supervisor.withhold(subject, true).await.err(),
            supervisor.room::<Provisions>(PROVISIONS_LIST, &page).await.err(),
        ] {
            let problem = error.as_ref().and_then(|error| error.problem());
            let got = problem.map(|problem| (problem.status, problem.code.as_str()));
            assert_eq!(got, Some((503, "room-closed")), "{error:?}");
        }
        // No new keys were made over the old room, and the others go on.
        assert!(store.room(adachi).unwrap().is_none());
        let answer = koriyama.ask(&question(elsewhere, uruma)).await.unwrap();
        assert_eq!(answer.outcome, AskOutcome::Nothing);
    });
}
