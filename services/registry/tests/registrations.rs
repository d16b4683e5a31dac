//! Only the nation registers, only a room's host publishes its keys, and twice is once.

mod world;

use db::test_support::TestDb;
use domain::{Role, ServiceKind};
use registry::{BootstrapError, FirstOperator, MIGRATIONS, ROLE, bootstrap_in};
use wire::registry::{
    self as paths, DirectoryEntry, PublishKeys, RegisterMunicipality, RegisterOperator,
    RevokeTerminal, SuspendOperator,
};
use world::{ADACHI, KORIYAMA, PASSWORD, clerk_of, code, each, operator, password, terminal};

fn municipality(place: &str, host: &str) -> RegisterMunicipality {
    let (municipality, url) = (code(place), "https://127.0.0.1:2".to_owned());
    RegisterMunicipality { municipality, host: host.to_owned(), url }
}

fn keys(place: &str) -> PublishKeys {
    let (sealing, signing) = world::room_keys(place);
    let municipality = code(place);
    PublishKeys { municipality, sealing_keys: vec![sealing], signing_keys: vec![signing] }
}

#[tokio::test]
async fn only_the_nation_registers() {
    for w in each().await {
        w.settle(ADACHI, "clerk-adachi").await;
        let issued = w.issue(Some(ADACHI), "new");
        let clerk = w.at("131211-t").logged_in("clerk-adachi").await;
        let nobody = w.at("000000-national-1");
        let partition = w.service(ServiceKind::Partition, "main");
        let revoke = RevokeTerminal {
            terminal: domain::TerminalId::parse("t").unwrap(),
            municipality: Some(code(ADACHI)),
        };
        let suspend = SuspendOperator { operator: operator("clerk-adachi") };
        for (caller, refusal) in
            [(&clerk, "denied"), (&nobody, "unauthenticated"), (&partition, "denied")]
        {
            let answers = [
                caller.change(paths::MUNICIPALITIES, &municipality(KORIYAMA, "main")).await,
                caller.change(paths::TERMINALS, &terminal(Some(ADACHI), "new", &issued)).await,
                caller.change(paths::TERMINALS_REVOKE, &revoke).await,
                caller.change(paths::OPERATORS, &clerk_of(ADACHI, "new")).await,
                caller.change(paths::OPERATORS_SUSPEND, &suspend).await,
            ];
            assert!(answers.iter().all(|a| a == &Err(refusal.to_owned())), "{answers:?}");
        }
        let nation = w.nation().await;
        assert_eq!(nation.change(paths::KEYS, &keys(ADACHI)).await.unwrap_err(), "denied");
        w.running.stop().await;
    }
}

#[tokio::test]
async fn sent_twice_it_is_registered_once_and_other_content_is_a_conflict() {
    for w in each().await {
        w.settle(ADACHI, "clerk-adachi").await;
        let nation = w.nation().await;
        let before = w.directory().await.sequence;
        let issued = w.at("131211-t").thumbprint;
        let mut machine = terminal(Some(ADACHI), "t", &w.issue(Some(ADACHI), "other"));
        assert_eq!(nation.change(paths::TERMINALS, &machine).await.unwrap_err(), "conflict");
        machine.thumbprint = issued.to_vec().into();
        nation.change(paths::TERMINALS, &machine).await.unwrap();
        nation.change(paths::OPERATORS, &clerk_of(ADACHI, "clerk-adachi")).await.unwrap();
        let others = [
            clerk_of(KORIYAMA, "clerk-adachi"),
            RegisterOperator { role: Role::Supervisor, ..clerk_of(ADACHI, "clerk-adachi") },
            RegisterOperator {
                password: password("another horse battery"),
                ..clerk_of(ADACHI, "clerk-adachi")
            },
        ];
        for other in others {
            assert_eq!(nation.change(paths::OPERATORS, &other).await.unwrap_err(), "conflict");
        }
        w.at("131211-t").log_in("clerk-adachi", PASSWORD).await.unwrap();
        assert_eq!(w.directory().await.sequence, before);
        let log = w.access_log().await;
        assert_eq!(log.iter().filter(|line| line.result == "conflict").count(), 4);
        assert_eq!(log.iter().filter(|line| line.result == "same").count(), 2);
        w.running.stop().await;
    }
}

#[tokio::test]
async fn who_was_suspended_or_revoked_does_not_come_back_by_registering_again() {
    for w in each().await {
        w.settle(ADACHI, "clerk-adachi").await;
        let nation = w.nation().await;
        let terminal_id = domain::TerminalId::parse("t").unwrap();
        let revoke = RevokeTerminal { terminal: terminal_id, municipality: Some(code(ADACHI)) };
        let suspend = SuspendOperator { operator: operator("clerk-adachi") };
        for _ in 0..2 {
            nation.change(paths::TERMINALS_REVOKE, &revoke).await.unwrap();
            nation.change(paths::OPERATORS_SUSPEND, &suspend).await.unwrap();
        }
        let mut machine = terminal(Some(ADACHI), "t", &w.issue(Some(ADACHI), "other"));
        machine.thumbprint = w.at("131211-t").thumbprint.to_vec().into();
        assert_eq!(nation.change(paths::TERMINALS, &machine).await.unwrap_err(), "conflict");
        let clerk = clerk_of(ADACHI, "clerk-adachi");
        assert_eq!(nation.change(paths::OPERATORS, &clerk).await.unwrap_err(), "conflict");
        let suspend = SuspendOperator { operator: operator("nobody") };
        let absent = nation.change(paths::OPERATORS_SUSPEND, &suspend).await;
        assert_eq!(absent.unwrap_err(), "not-found");
        w.running.stop().await;
    }
}

#[tokio::test]
async fn what_is_not_well_formed_is_refused_by_field() {
    for w in each().await {
        let nation = w.nation().await;
        let clerk = clerk_of(ADACHI, "c");
        let operators = [
            RegisterOperator { password: password("short"), ..clerk.clone() },
            RegisterOperator { password: password(&"x".repeat(129)), ..clerk.clone() },
            RegisterOperator { role: Role::National, ..clerk.clone() },
            RegisterOperator { municipality: None, ..clerk.clone() },
            // A well-formed code that no municipality has: a prefecture's.
            RegisterOperator { municipality: Some(code("130001")), ..clerk },
        ];
        for request in operators {
            let answer = nation.change(paths::OPERATORS, &request).await;
            assert_eq!(answer.unwrap_err(), "malformed", "{request:?}");
        }
        let good = municipality(ADACHI, "main");
        let municipalities = [
            RegisterMunicipality { municipality: code("130001"), ..good.clone() },
            RegisterMunicipality { host: "a/b".to_owned(), ..good.clone() },
            RegisterMunicipality { url: "http://127.0.0.1".to_owned(), ..good },
        ];
        for request in municipalities {
            let answer = nation.change(paths::MUNICIPALITIES, &request).await;
            assert_eq!(answer.unwrap_err(), "malformed", "{request:?}");
        }
        let mut machine = terminal(Some(ADACHI), "x", &w.issue(Some(ADACHI), "x"));
        machine.thumbprint.0.pop();
        assert_eq!(nation.change(paths::TERMINALS, &machine).await.unwrap_err(), "malformed");
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_host_publishes_its_own_rooms_keys_and_no_others() {
    for w in each().await {
        let nation = w.nation().await;
        nation.change(paths::MUNICIPALITIES, &municipality(ADACHI, "east")).await.unwrap();
        nation.change(paths::MUNICIPALITIES, &municipality(KORIYAMA, "west")).await.unwrap();
        let (east, west) =
            (w.service(ServiceKind::Partition, "east"), w.service(ServiceKind::Partition, "west"));
        assert_eq!(west.change(paths::KEYS, &keys(ADACHI)).await.unwrap_err(), "denied");
        assert_eq!(east.change(paths::KEYS, &keys("472131")).await.unwrap_err(), "denied");
        let broker = w.service(ServiceKind::Broker, "east");
        assert_eq!(broker.change(paths::KEYS, &keys(ADACHI)).await.unwrap_err(), "denied");
        assert!(w.directory().await.municipalities[1].sealing_keys.is_empty());

        let request = keys(ADACHI);
        east.change(paths::KEYS, &request).await.unwrap();
        let directory = w.directory().await;
        let adachi = |entry: &&DirectoryEntry| entry.municipality == code(ADACHI);
        let entry = directory.municipalities.iter().find(adachi).unwrap();
        assert_eq!((entry.host.as_str(), entry.url.as_str()), ("east", "https://127.0.0.1:2"));
        assert_eq!(entry.sealing_keys, request.sealing_keys);
        assert_eq!(entry.signing_keys, request.signing_keys);
        east.change(paths::KEYS, &request).await.unwrap();
        assert_eq!(w.directory().await.sequence, directory.sequence);

        // After the room has moved, only its new host may.
        nation.change(paths::MUNICIPALITIES, &municipality(ADACHI, "west")).await.unwrap();
        assert_eq!(east.change(paths::KEYS, &request).await.unwrap_err(), "denied");
        west.change(paths::KEYS, &request).await.unwrap();
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_new_key_stands_beside_the_old_one_until_its_time_is_over() {
    for w in each().await {
        let nation = w.nation().await;
        nation.change(paths::MUNICIPALITIES, &municipality(ADACHI, "east")).await.unwrap();
        let east = w.service(ServiceKind::Partition, "east");
        let mut old = keys(ADACHI);
        old.signing_keys[0].not_after_unix_s = w.now() + 10;
        east.change(paths::KEYS, &old).await.unwrap();
        let mut new = keys(ADACHI);
        assert_eq!(east.change(paths::KEYS, &new).await.unwrap_err(), "conflict");
        new.sealing_keys[0].id = 2;
        new.signing_keys[0].id = 2;
        east.change(paths::KEYS, &new).await.unwrap();
        let entry = w.directory().await.municipalities.remove(0);
        let ids = |keys: &[paths::PublishedKey]| keys.iter().map(|k| k.id).collect::<Vec<_>>();
        assert_eq!((ids(&entry.sealing_keys), ids(&entry.signing_keys)), (vec![1, 2], vec![1, 2]));
        w.clock.advance(time::Duration::seconds(200));
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        let entry = w.directory().await.municipalities.remove(0);
        assert_eq!((ids(&entry.sealing_keys), ids(&entry.signing_keys)), (vec![1, 2], vec![2]));
        w.running.stop().await;
    }
}

#[tokio::test]
async fn bytes_that_are_no_key_are_not_published() {
    for w in each().await {
        let nation = w.nation().await;
        nation.change(paths::MUNICIPALITIES, &municipality(ADACHI, "east")).await.unwrap();
        let east = w.service(ServiceKind::Partition, "east");
        let good = keys(ADACHI);
        let (mut swapped, mut short, mut weak) = (good.clone(), good.clone(), good.clone());
        std::mem::swap(&mut swapped.sealing_keys, &mut swapped.signing_keys);
        short.sealing_keys[0].key.0.pop();
        weak.signing_keys[0].key.0.fill(0);
        let (mut twice, mut many, mut never) = (good.clone(), good.clone(), good.clone());
        twice.signing_keys.push(twice.signing_keys[0].clone());
        for id in 2..=9 {
            many.signing_keys.push(paths::PublishedKey { id, ..many.signing_keys[0].clone() });
        }
        never.signing_keys[0].not_before_unix_s = never.signing_keys[0].not_after_unix_s + 1;
        for bad in [swapped, short, weak, twice, many, never] {
            assert_eq!(east.change(paths::KEYS, &bad).await.unwrap_err(), "malformed");
        }
        assert!(w.directory().await.municipalities[0].signing_keys.is_empty());
        w.running.stop().await;
    }
}

#[tokio::test]
async fn every_change_names_its_actor_and_object() {
    for w in each().await {
        w.settle(ADACHI, "clerk-adachi").await;
        let log = w.access_log().await;
        for (action, object) in [
            ("RegisterMunicipality", "131211"),
            ("RegisterTerminal", "131211/t"),
            ("RegisterOperator", "clerk-adachi"),
        ] {
            let found = log.iter().any(|line| {
                line.operator == Some(operator("national"))
                    && line.terminal.as_ref().is_some_and(|id| id.as_str() == "national-1")
                    && line.action == action
                    && line.object.as_deref() == Some(object)
                    && line.concerns.as_deref() == Some(ADACHI)
                    && line.result == "done"
            });
            assert!(found, "{action} {log:?}");
        }
        w.running.stop().await;
    }
}

#[tokio::test]
async fn setup_registers_the_first_operator_and_never_a_second() {
    for t in TestDb::each(&MIGRATIONS, ROLE).await {
        let first = |secret: &str| FirstOperator {
            operator: operator("first"),
            password: password(secret),
            terminal: domain::TerminalId::parse("t").unwrap(),
            thumbprint: [7; 32],
        };
        let clock = domain::SystemClock;
        let refused = bootstrap_in(&t.db, first("short"), &clock).await;
        assert!(matches!(refused, Err(BootstrapError::Password)), "{refused:?}");
        bootstrap_in(&t.db, first(PASSWORD), &clock).await.unwrap();
        let refused = bootstrap_in(&t.db, first(PASSWORD), &clock).await;
        assert!(matches!(refused, Err(BootstrapError::NotFirst)), "{refused:?}");
    }
}

/// Two processes on one database: what one registers, the other serves within its cache's time.
#[tokio::test]
async fn a_second_registry_on_the_same_database_follows() {
    for w in each().await {
        let second = registry::start_in(w.t.db.clone(), w.config.clone(), w.clock.clone());
        let second = second.await.unwrap();
        w.settle(ADACHI, "clerk-adachi").await;
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        let (first, w) = w.turn_to(second);
        assert_eq!(w.directory().await.municipalities.len(), 1);
        w.at("131211-t").log_in("clerk-adachi", PASSWORD).await.unwrap();
        first.stop().await;
        w.running.stop().await;
    }
}
