//! Log-out, suspension and revocation count at once.

mod world;

use wire::registry::{self as paths, RevokeTerminal, SuspendOperator};
use world::caller::problem;
use world::{ADACHI, PASSWORD, code, operator, settled};

#[tokio::test]
async fn log_out_ends_the_token_at_once_here_and_in_the_published_list() {
    for w in settled().await {
        let adachi = w.at("131211-t").logged_in("clerk-adachi").await;
        let other = w.at("131211-t").logged_in("clerk-adachi").await;
        assert!(w.revocations().await.sessions.is_empty());
        adachi.change(paths::LOG_OUT, &()).await.unwrap();
        assert_eq!(adachi.change(paths::LOG_OUT, &()).await.unwrap_err(), "unauthenticated");
        assert_eq!(w.revocations().await.sessions.len(), 1);
        other.change(paths::LOG_OUT, &()).await.unwrap();
        assert_eq!(w.revocations().await.sessions.len(), 2);
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_suspended_operators_token_stops_at_once() {
    for w in settled().await {
        let adachi = w.at("131211-t").logged_in("clerk-adachi").await;
        let suspend = SuspendOperator { operator: operator("clerk-adachi") };
        w.nation().await.change(paths::OPERATORS_SUSPEND, &suspend).await.unwrap();
        assert_eq!(adachi.change(paths::LOG_OUT, &()).await.unwrap_err(), "unauthenticated");
        assert_eq!(w.revocations().await.operators, [operator("clerk-adachi")]);
        w.running.stop().await;
    }
}

#[tokio::test]
async fn a_revoked_terminal_is_out_at_once_with_all_who_sit_there() {
    for w in settled().await {
        let adachi = w.at("131211-t").logged_in("clerk-adachi").await;
        let terminal = domain::TerminalId::parse("t").unwrap();
        let revoke = RevokeTerminal { terminal, municipality: Some(code(ADACHI)) };
        w.nation().await.change(paths::TERMINALS_REVOKE, &revoke).await.unwrap();
        assert_eq!(adachi.change(paths::LOG_OUT, &()).await.unwrap_err(), "unauthenticated");
        let refused = problem(adachi.log_in("clerk-adachi", PASSWORD).await.unwrap_err());
        assert_eq!(refused.status, 401);
        let listed = w.revocations().await.terminals;
        assert_eq!(listed, [adachi.thumbprint.to_vec().into()]);
        w.at("072036-t").log_in("clerk-koriyama", PASSWORD).await.unwrap();
        w.running.stop().await;
    }
}
