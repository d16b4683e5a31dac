//! A log-in that fails says one thing, so that nobody learns which user ids exist (C037-C039).

use domain::ServiceKind;
use domain::policy::Party;
use wire::registry::{OPERATORS_SUSPEND, SuspendOperator};

use super::people::{Newcomer, password_of, somebody};
use crate::support::on_both;

#[test]
fn unknown_user_wrong_password_and_every_other_reason_are_answered_alike() {
    on_both(async |world| {
        let (one, other) = (Newcomer::register(world).await, Newcomer::register(world).await);
        let (clerk, elsewhere) = (&world.cast.koriyama.clerk, &world.cast.adachi.clerk);
        let right = password_of(world, clerk);
        let abroad = password_of(world, elsewhere);
        let national = &world.cast.national;
        let suspend = SuspendOperator { operator: other.user.clone() };
        let desk = world.desk(national).await;
        desk.registry::<serde_json::Value>(OPERATORS_SUSPEND, &suspend).await.unwrap();

        let wrong = one.try_log_in(world, one.user.as_str(), &right).await;
        assert_eq!((wrong.status, wrong.code().as_str()), (401, "log-in-refused"));
        let wrong = wrong.without_ids();
        let too_long = "x".repeat(65);
        for (reason, user, password) in [
            ("an unknown user", "nobody-at-all", right.as_str()),
            ("no user id could be so", "not a user id!", &right),
            ("too long for a user id", &too_long, &right),
            ("no user id", "", &right),
            ("no password", one.user.as_str(), ""),
            ("another municipality's clerk", elsewhere.id.as_str(), &abroad),
            ("a national operator", national.id.as_str(), &password_of(world, national)),
            ("suspended", other.user.as_str(), &other.password),
            ("the password with more behind", one.user.as_str(), &format!("{}x", one.password)),
        ] {
            let answer = one.try_log_in(world, user, password).await;
            assert_eq!(answer.without_ids(), wrong, "{reason}");
        }
        // The right one at a terminal that nobody registered.
        let body = serde_json::json!({ "userId": clerk.id, "password": right }).to_string();
        let line = super::line::Line::to(world, ServiceKind::Registry, &unregistered(world));
        let target = ("POST", wire::registry::LOG_IN);
        let answer = line.call(target, None, body.as_bytes()).await.unwrap();
        assert_eq!(answer.without_ids(), wrong);
        one.log_in(world).await;
    });
}

/// A certificate of the right authority for a terminal that the nation does not know.
fn unregistered(world: &crate::support::World) -> String {
    use domain::{SystemClock, TerminalId};
    let name = uuid::Uuid::new_v4().to_string();
    let authority =
        service::pki::Authority::open(&world.site.layout.authority(), &SystemClock).unwrap();
    let identity = wire::PeerIdentity::Terminal {
        municipality: Some(world.cast.koriyama.code),
        terminal: TerminalId::parse(&name).unwrap(),
    };
    authority.issue(&identity, &[], &name).unwrap();
    name
}

#[test]
fn whoever_keeps_failing_waits_and_hears_how_long_also_if_there_is_no_such_user() {
    on_both(async |world| {
        let newcomer = Newcomer::register(world).await;
        let unknown = uuid::Uuid::new_v4().to_string();
        let mut delays = Vec::new();
        for user in [newcomer.user.as_str(), &unknown] {
            let mut answer = newcomer.try_log_in(world, user, "wrong password").await;
            for _ in 0..10 {
                if answer.status == 429 {
                    break;
                }
                answer = newcomer.try_log_in(world, user, "wrong password").await;
            }
            assert_eq!((answer.status, answer.code().as_str()), (429, "too-many"));
            assert!(answer.headers["retry-after"].parse::<u32>().unwrap() >= 1);
            delays.push(answer.without_ids());
        }
        assert_eq!(delays[0].body, delays[1].body);
        let line = somebody(world, Party::Terminal).line(world, ServiceKind::Registry);
        let answer = line.call(("POST", wire::registry::LOG_IN), None, b"{}").await.unwrap();
        assert_eq!(answer.status, 400, "other terminals do not wait");
    });
}
