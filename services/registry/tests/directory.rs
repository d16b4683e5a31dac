//! The directory and the revocations as others see them.

mod world;

use crypto::{Purpose, SigningKey};
use domain::ServiceKind;
use registry::TokenKeyConfig;
use service::participants::{Participants, Refused, Source, verify};
use service::server::StartError;
use time::Duration;
use wire::registry::{self as paths, Directory, Revocations, Signed};
use wire::tls::{Expected, TlsIdentity};
use wire::{CallError, Client};
use world::{ADACHI, KORIYAMA, PASSWORD, each};

#[tokio::test]
async fn documents_are_signed_each_for_its_own_purpose() {
    for w in each().await {
        let broker = w.service(ServiceKind::Broker, "main");
        let mut signed: Signed = broker.get(paths::DIRECTORY).await;
        let directory: Directory = verify(&w.directory_key, Purpose::Directory, &signed).unwrap();
        assert_eq!(directory.issued_at_unix_s, w.now());
        assert_eq!(directory.expires_at_unix_s, w.now() + 300);
        let other = verify::<Revocations>(&w.directory_key, Purpose::Revocations, &signed);
        assert_eq!(other.unwrap_err(), Refused::Signature);
        signed.body = signed.body.replace("\"sequence\":", "\"sequence\":1");
        let changed = verify::<Directory>(&w.directory_key, Purpose::Directory, &signed);
        assert_eq!(changed.unwrap_err(), Refused::Signature);
        assert_eq!(w.revocations().await.issued_at_unix_s, w.now());
        w.running.stop().await;
    }
}

#[tokio::test]
async fn the_sequence_grows_with_each_change_and_only_then() {
    for w in each().await {
        let first = w.directory().await;
        assert_eq!(w.directory().await, first);
        w.settle(ADACHI, "a").await;
        let second = w.directory().await;
        w.settle(KORIYAMA, "k").await;
        let third = w.directory().await;
        assert!(first.sequence < second.sequence && second.sequence < third.sequence);
        let codes: Vec<_> =
            third.municipalities.iter().map(|entry| entry.municipality.to_string()).collect();
        assert_eq!(codes, [KORIYAMA, ADACHI]);
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_directory_is_renewed_before_half_of_its_life_is_over() {
    for w in each().await {
        let first = w.directory().await;
        w.clock.advance(Duration::seconds(149));
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        assert_eq!(w.directory().await, first);
        w.clock.advance(Duration::seconds(1));
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        let renewed = w.directory().await;
        assert_eq!(renewed.issued_at_unix_s, first.issued_at_unix_s + 150);
        assert_eq!(renewed.sequence, first.sequence);
        w.running.stop().await;
    }
}

#[tokio::test]
async fn another_service_follows_with_the_shared_code() {
    for w in each().await {
        w.settle(ADACHI, "clerk-adachi").await;
        w.service(ServiceKind::Partition, "main");
        let files = w.config.tls.clone();
        let files = wire::tls::TlsFiles {
            certificate: w.file("partition-main.pem"),
            key: w.file("partition-main-key.pem"),
            ..files
        };
        let identity = TlsIdentity::load(&files).unwrap();
        let url = format!("https://{}", w.running.address);
        let expected = Expected::any(ServiceKind::Registry);
        let client =
            Client::new(&identity, expected, &url, wire::client::Deadlines::default()).unwrap();
        let poll = std::time::Duration::from_secs(2);
        let source = Source { client, key: w.directory_key, poll };
        let participants = Participants::new(30);
        source.fetch(&participants).await.unwrap();
        participants.check(w.now()).unwrap();

        let adachi = w.at("131211-t").logged_in("clerk-adachi").await;
        let token = adachi.token.clone().unwrap();
        let directory = participants.directory(w.now()).unwrap();
        let thumbprint = adachi.thumbprint;
        assert!(service::token::verify(&token, &directory, &thumbprint, w.now()).is_some());
        adachi.change(paths::LOG_OUT, &()).await.unwrap();
        source.fetch(&participants).await.unwrap();
        assert_eq!(participants.revocations(w.now()).unwrap().sessions.len(), 1);
        w.running.stop().await;
    }
}

#[tokio::test]
async fn people_do_not_read_the_directory() {
    for w in each().await {
        let refused = w.nation().await.try_get::<Signed>(paths::DIRECTORY).await.unwrap_err();
        assert!(matches!(refused, CallError::Refused(_)));
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_session_is_listed_until_its_token_is_over() {
    for w in each().await {
        w.settle(ADACHI, "clerk-adachi").await;
        let adachi = w.at("131211-t").logged_in("clerk-adachi").await;
        adachi.change(paths::LOG_OUT, &()).await.unwrap();
        w.clock.advance(Duration::seconds(900));
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        assert_eq!(w.revocations().await.sessions.len(), 1);
        w.clock.advance(Duration::seconds(60));
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        assert!(w.revocations().await.sessions.is_empty());
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_new_token_key_comes_beside_the_old_one_and_a_withdrawn_one_goes() {
    for w in each().await {
        w.settle(ADACHI, "clerk-adachi").await;
        let adachi = w.at("131211-t").logged_in("clerk-adachi").await;
        let token = adachi.token.clone().unwrap();
        SigningKey::create(&w.file("token-key-2.pem")).unwrap();
        let old = w.config.clone();
        let token_key =
            TokenKeyConfig { file: w.file("token-key-2.pem"), id: 2, ..old.token_key.clone() };
        let same_id = TokenKeyConfig { id: 1, ..token_key.clone() };
        let refused = registry::start_in(
            w.t.db.clone(),
            registry::Config { token_key: same_id, ..old.clone() },
            w.clock.clone(),
        );
        assert!(matches!(refused.await, Err(StartError::Refused(_))));

        let w = w.restart(registry::Config { token_key: token_key.clone(), ..old.clone() }).await;
        let directory = service::Directory::read(w.directory().await);
        let thumbprint = adachi.thumbprint;
        assert!(service::token::verify(&token, &directory, &thumbprint, w.now()).is_some());
        let fresh = w.at("131211-t").log_in("clerk-adachi", PASSWORD).await.unwrap().token;
        assert!(service::token::verify(&fresh, &directory, &thumbprint, w.now()).is_some());

        let token_key = TokenKeyConfig { withdrawn: vec![1], ..token_key };
        let w = w.restart(registry::Config { token_key, ..old }).await;
        let directory = service::Directory::read(w.directory().await);
        assert!(service::token::verify(&token, &directory, &thumbprint, w.now()).is_none());
        assert!(service::token::verify(&fresh, &directory, &thumbprint, w.now()).is_some());
        w.running.stop().await;
    }
}
