//! A room whose sealing and signing keys may be known gets others, and goes on with them.

use crypto::{KeyStore, Purpose, sha256};
use domain::{Clock as _, MunicipalityCode, Role};
use room::config::LeakedKey;
use room::config::ReplaceableKey::{Sealing, Signing};
use wire::partition as api;

use crate::world::{ADACHI, KORIYAMA, on_both, question};

#[tokio::test(flavor = "multi_thread")]
async fn a_room_with_new_keys_asks_and_answers_and_its_older_signature_counts_no_more() {
    on_both(async |mut world| {
        world.mover(1).await;
        world.stop().await;
        let config = &world.config.keys;
        let store = KeyStore::open(&config.key_encryption_key, &config.folder).unwrap();
        let older = store.room(MunicipalityCode::parse(ADACHI).unwrap()).unwrap().unwrap();
        world.config.keys.leaked = [ADACHI, KORIYAMA]
            .into_iter()
            .flat_map(|code| [(code, Sealing), (code, Signing)])
            .map(|(code, kind)| LeakedKey {
                municipality: MunicipalityCode::parse(code).unwrap(),
                kind,
                id: 1,
            })
            .collect();
        // The second start finds that it is done.
        for _ in 0..2 {
            world.start().await;
            world.stop().await;
        }
        world.start().await;
        let newest = async || world.registry.keys(ADACHI).signing_keys.len() == 2;
        crate::world::until("published", newest).await;
        world.pass(1).await;
        let answer = world.ask(&question(1)).await.unwrap();
        assert_eq!(answer.outcome, api::AskOutcome::Provided);
        // Its own log, signed with the older key, is its log still.
        let log = world.desk(ADACHI, Role::Supervisor);
        let page = api::ListPage { from: 0, limit: 10 };
        log.post::<api::OperationLog>(api::OPERATION_LOG_LIST, &page).await.unwrap();

        let published = world.registry.keys(ADACHI);
        let now = world.clock.now().unix_timestamp();
        let message = sha256(b"an inquiry");
        let forged = older.sign(Purpose::Inquiry, &message);
        for key in published.signing_keys {
            let is_valid = key.not_before_unix_s <= now && now <= key.not_after_unix_s;
            let bytes = key.key.0.as_slice().try_into().unwrap();
            let known = crypto::VerifyingKey::from_bytes(bytes).unwrap();
            let is_older = known.verify(Purpose::Inquiry, &message, &forged).is_ok();
            assert_eq!(is_valid, !is_older, "key {}", key.id);
        }
        let sealing = published.sealing_keys;
        assert!(sealing.len() == 2 && sealing.iter().all(|key| now <= key.not_after_unix_s));
    })
    .await;
}
