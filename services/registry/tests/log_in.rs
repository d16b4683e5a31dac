//! A token needs a registered terminal, a registered person of the same municipality, a password.

mod world;

use domain::Role;
use wire::registry::{self as paths, SuspendOperator};
use wire::tls::{Expected, TlsIdentity};
use world::caller::problem;
use world::{ADACHI, PASSWORD, code, operator, settled, terminal};

#[tokio::test]
async fn a_registered_person_at_a_registered_terminal_gets_a_token_for_that_terminal() {
    for w in settled().await {
        let adachi = w.at("131211-t");
        let answer = adachi.log_in("clerk-adachi", PASSWORD).await.unwrap();
        assert_eq!((answer.municipality, answer.role), (Some(code(ADACHI)), Role::Clerk));
        assert_eq!(answer.expires_at_unix_s, w.now() + 900);
        assert_eq!(answer.last_log_in_at_unix_s, None);
        let again = adachi.log_in("clerk-adachi", PASSWORD).await.unwrap();
        assert_eq!(again.last_log_in_at_unix_s, Some(w.now()));

        let directory = service::Directory::read(w.directory().await);
        let verify =
            |thumbprint, now| service::token::verify(&answer.token, &directory, thumbprint, now);
        let claims = verify(&adachi.thumbprint, w.now()).unwrap();
        assert_eq!(claims.sub, operator("clerk-adachi"));
        assert_eq!((claims.iat, claims.nbf, claims.exp), (w.now(), w.now(), w.now() + 900));
        assert_eq!(claims.municipality, Some(code(ADACHI)));
        assert_eq!(claims.role, Role::Clerk);
        assert!(verify(&w.at("072036-t").thumbprint, w.now()).is_none());
        w.running.stop().await;
    }
}

#[tokio::test]
async fn every_reason_for_a_refusal_gets_the_same_answer() {
    for w in settled().await {
        let nation = w.nation().await;
        let suspended = world::clerk_of(ADACHI, "suspended");
        nation.change(paths::OPERATORS, &suspended).await.unwrap();
        let suspended = SuspendOperator { operator: operator("suspended") };
        nation.change(paths::OPERATORS_SUSPEND, &suspended).await.unwrap();
        w.issue(Some(ADACHI), "unregistered");
        // The same terminal id with another certificate of the same authority.
        let other = w.issue(Some(ADACHI), "u");
        let registered = terminal(Some(ADACHI), "u", &w.issue(Some(ADACHI), "other"));
        nation.change(paths::TERMINALS, &registered).await.unwrap();
        assert_ne!(registered.thumbprint.0, other.thumbprint);

        let mut answers = Vec::new();
        for (certificate, user, password) in [
            ("131211-t", "nobody", PASSWORD),
            ("131211-t", "clerk-adachi", "wrong horse battery"),
            ("131211-t", "clerk-adachi", ""),
            ("131211-t", "suspended", PASSWORD),
            ("131211-t", "clerk-koriyama", PASSWORD),
            ("131211-t", "national", PASSWORD),
            ("131211-t", "no id\n at all", PASSWORD),
            ("131211-unregistered", "clerk-adachi", PASSWORD),
            ("131211-u", "clerk-adachi", PASSWORD),
            ("072036-t", "clerk-adachi", PASSWORD),
            ("000000-national-1", "clerk-adachi", PASSWORD),
        ] {
            answers.push(problem(w.at(certificate).log_in(user, password).await.unwrap_err()));
        }
        assert_eq!((answers[0].status, answers[0].code.as_str()), (401, "log-in-refused"));
        assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:#?}");
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_guesser_learns_nothing_from_the_time_it_takes() {
    for w in settled().await {
        let adachi = w.at("131211-t");
        let mut fastest = Vec::new();
        for user in ["clerk-adachi", "nobody"] {
            let mut times = Vec::new();
            for _ in 0..4 {
                let begun = std::time::Instant::now();
                adachi.log_in(user, "wrong horse battery").await.unwrap_err();
                times.push(begun.elapsed());
            }
            fastest.push(times.into_iter().min().unwrap());
        }
        let (known, unknown) = (fastest[0], fastest[1]);
        // Coarse on purpose: without the dummy hash it would be a tenth.
        assert!(unknown * 3 > known && known * 3 > unknown, "known {known:?}, unknown {unknown:?}");
        w.running.stop().await;
    }
}

#[tokio::test]
async fn every_log_in_and_log_out_is_written_down_and_strangers_words_are_not() {
    for w in settled().await {
        let adachi = w.at("131211-t").logged_in("clerk-adachi").await;
        let refused = w.at("131211-t");
        refused.log_in("clerk-adachi", "wrong horse battery").await.unwrap_err();
        refused.log_in("999912345678", PASSWORD).await.unwrap_err();
        adachi.change(paths::LOG_OUT, &()).await.unwrap();
        let log = w.access_log().await;
        let (proven, claimed) = (Some(operator("clerk-adachi")), Some(operator("clerk-adachi")));
        let expected = [
            (proven.clone(), None, "LogIn", "done"),
            (None, claimed, "LogIn", "refused: wrong password"),
            (None, None, "LogIn", "refused: no such operator"),
            (proven, None, "LogOut", "done"),
        ];
        for (line, (proven, claimed, action, result)) in log[log.len() - 4..].iter().zip(expected) {
            assert_eq!((&line.operator, &line.claimed), (&proven, &claimed), "{line:?}");
            assert_eq!((line.action.as_str(), line.result.as_str()), (action, result));
            assert_eq!(line.terminal.as_ref().unwrap().as_str(), "t");
            assert_eq!(line.municipality.as_deref(), Some(ADACHI));
        }
        assert!(!format!("{log:?}").contains("9999"));
        w.running.stop().await;
    }
}

#[tokio::test]
async fn log_ins_are_counted_by_result() {
    for w in settled().await {
        let adachi = w.at("131211-t");
        adachi.log_in("clerk-adachi", "wrong horse battery").await.unwrap_err();
        let text = adachi.text("/metrics").await;
        assert!(text.contains(r#"watari_log_ins_total{result="refused"} 1"#), "{text}");
        assert!(text.contains(r#"watari_log_ins_total{result="done"} 2"#), "{text}");
        assert!(!text.contains("clerk-adachi"));
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_service_certificate_is_no_terminal() {
    for w in settled().await {
        let broker = w.service(domain::ServiceKind::Broker, "main");
        let refused = problem(broker.log_in("clerk-adachi", PASSWORD).await.unwrap_err());
        assert_eq!(refused.code, "denied");
        w.running.stop().await;
    }
}

#[tokio::test]
async fn an_authority_of_ones_own_does_not_help() {
    for w in settled().await {
        let folder = tempfile::tempdir().unwrap();
        let own = service::pki::Authority::create(folder.path(), &domain::SystemClock).unwrap();
        let identity = wire::PeerIdentity::parse("watari://terminal/131211/t").unwrap();
        let mut files = own.issue(&identity, &[], "t").unwrap().files;
        // It trusts the registry, but the registry does not trust it.
        files.authority = w.file("authority.pem");
        files.revocation_list = w.file("revoked.pem");
        let identity = TlsIdentity::load(&files).unwrap();
        let url = format!("https://{}", w.running.address);
        let expected = Expected::any(domain::ServiceKind::Registry);
        let client =
            wire::Client::new(&identity, expected, &url, wire::client::Deadlines::default());
        let request = domain::RequestId::make_random();
        let refused = client.unwrap().get_text("/livez", &request).await.unwrap_err();
        assert!(matches!(refused, wire::CallError::Unavailable), "{refused:?}");
        w.running.stop().await;
    }
}
