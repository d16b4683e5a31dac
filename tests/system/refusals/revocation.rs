//! Who has been taken out is out within seconds, everywhere (C055).

use std::fs;
use std::time::{Duration, Instant};

use domain::{Clock as _, InquiryId, ServiceKind, SystemClock};
use service::pki::Authority;
use wire::partition::{FindInquiry, INQUIRIES_FIND};
use wire::registry::{
    LOG_OUT, OPERATORS_SUSPEND, RevokeTerminal, SuspendOperator, TERMINALS_REVOKE,
};
use wire::tls::TlsFiles;

use super::endpoints::{every_endpoint, knock};
use super::line::{Line, credentials};
use super::people::Newcomer;
use super::wire_end::WireEnd;
use crate::support::{Engine, RUNTIME, World, on_both};

/// Services ask every 100 ms here; the rest is for a machine with other things to do.
const SECONDS: Duration = Duration::from_secs(3);
/// Certificates are looked at anew every two seconds.
const LIST_SECONDS: Duration = Duration::from_secs(6);

/// Somebody who is logged in, and what the own room says to them.
struct Session {
    newcomer: Newcomer,
    token: String,
    room: Line,
}

impl Session {
    async fn begin(world: &World) -> Self {
        let newcomer = Newcomer::register(world).await;
        let token = newcomer.log_in(world).await;
        let room = newcomer.line(world, ServiceKind::Partition);
        let session = Self { newcomer, token, room };
        assert_eq!(session.ask().await, (404, "not-found".to_owned()), "let in, and nothing there");
        session
    }

    async fn ask(&self) -> (u16, String) {
        let find = FindInquiry { inquiry: InquiryId::make_random() };
        let body = serde_json::to_vec(&find).unwrap();
        let target = ("POST", INQUIRIES_FIND);
        let answer = self.room.call(target, Some(&self.token), &body).await.unwrap();
        (answer.status, answer.code())
    }

    async fn expect_out(&self, why: &str) {
        let begun = Instant::now();
        while self.ask().await != (401, "unauthenticated".to_owned()) {
            assert!(begun.elapsed() < SECONDS, "{why}: still let in");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // Out is out, and not for a moment.
        for _ in 0..5 {
            assert_eq!(self.ask().await.0, 401, "{why}: let in again");
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }
}

async fn order(world: &World, path: &str, body: &serde_json::Value) {
    let national = world.desk(&world.cast.national).await;
    national.registry::<serde_json::Value>(path, body).await.unwrap();
}

#[test]
fn a_suspended_operators_token_stops_working_within_seconds() {
    on_both(async |world| {
        let (session, other) = (Session::begin(world).await, Session::begin(world).await);
        let Newcomer { user, password, .. } = &session.newcomer;
        order(
            world,
            OPERATORS_SUSPEND,
            &serde_json::to_value(SuspendOperator { operator: user.clone() }).unwrap(),
        )
        .await;
        session.expect_out("suspended").await;
        let again = session.newcomer.try_log_in(world, user.as_str(), password).await;
        assert_eq!(again.status, 401);
        assert_eq!(other.ask().await.0, 404, "nobody else is out");
    });
}

#[test]
fn a_revoked_terminals_tokens_stop_working_within_seconds() {
    on_both(async |world| {
        let (session, other) = (Session::begin(world).await, Session::begin(world).await);
        let terminal = session.newcomer.terminal.clone();
        let municipality = Some(world.cast.koriyama.code);
        order(
            world,
            TERMINALS_REVOKE,
            &serde_json::to_value(RevokeTerminal { terminal, municipality }).unwrap(),
        )
        .await;
        session.expect_out("terminal revoked").await;
        let Newcomer { user, password, .. } = &session.newcomer;
        let again = session.newcomer.try_log_in(world, user.as_str(), password).await;
        assert_eq!(again.status, 401);
        // Where nobody logs in the terminal itself is refused.
        let log = session.newcomer.line(world, ServiceKind::ProvisionLog);
        let target = ("GET", wire::provision_log::CHECKPOINT);
        assert_eq!(log.call(target, None, b"").await.unwrap().status, 401);
        assert_eq!(other.ask().await.0, 404, "nobody else is out");
    });
}

#[test]
fn a_session_that_was_ended_stops_working_within_seconds() {
    on_both(async |world| {
        let (session, other) = (Session::begin(world).await, Session::begin(world).await);
        let line = session.newcomer.line(world, ServiceKind::Registry);
        let target = ("POST", LOG_OUT);
        assert_eq!(line.call(target, Some(&session.token), b"").await.unwrap().status, 200);
        session.expect_out("logged out").await;
        assert_eq!(other.ask().await.0, 404, "nobody else is out");
        session.newcomer.log_in(world).await;
    });
}

/// A client that believes an older revocation list, so that it is the service that refuses.
fn credulous(world: &World, holder: &str) -> TlsFiles {
    let files = world.site.layout.tls(holder);
    let list = world.folder.path().join("old-list.pem");
    if !list.exists() {
        fs::copy(&files.revocation_list, &list).unwrap();
    }
    TlsFiles { revocation_list: list, ..files }
}

const LIVE: &str = "GET /livez HTTP/1.1\r\nhost: a\r\n\r\n";

/// What somebody hears there who may look.
const SEEN: &str = "HTTP/1.1 200 ";
/// What somebody hears there who is known and may not.
const DENIED: &str = "HTTP/1.1 403 ";

/// A connection to each service, kept open.
fn keep_open(world: &World, (files, heard): (&TlsFiles, &str)) -> Vec<WireEnd> {
    let open = ServiceKind::ALL
        .map(|kind| WireEnd::connect(credentials(files, kind), world.site.addresses.url(kind)));
    let mut open = Vec::from(open);
    assert!(open.iter_mut().all(|end| end.ask(LIVE).unwrap().starts_with(heard)));
    open
}

fn expect_out(open: &mut [WireEnd], why: &str) {
    let begun = Instant::now();
    for end in open {
        while !end.ask(LIVE).unwrap().starts_with("HTTP/1.1 401 ") {
            assert!(begun.elapsed() < LIST_SECONDS, "{why}: an open connection is still served");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

async fn expect_no_way_in(world: &World, files: &TlsFiles) {
    for (kind, endpoint) in every_endpoint() {
        let line = Line::new(credentials(files, kind), world.site.addresses.url(kind));
        assert!(knock(&line, endpoint, None).await.is_err(), "{}", endpoint.path);
    }
}

#[test]
fn a_revoked_certificate_is_refused_on_new_and_on_open_connections() {
    RUNTIME.block_on(async {
        let world = World::start(Engine::Sqlite).await;
        let authority = Authority::open(&world.site.layout.authority(), &SystemClock).unwrap();
        let other = credulous(&world, "terminal-uruma");
        let ledger = world.cast.koriyama.ledger.as_str();
        for (holder, heard) in [("terminal-koriyama", SEEN), (ledger, DENIED), ("broker", SEEN)] {
            let files = credulous(&world, holder);
            let mut open = keep_open(&world, (&files, heard));
            let mut unharmed = keep_open(&world, (&other, SEEN));
            authority.write_list(&[authority.issued(holder).unwrap().serial]).unwrap();
            expect_out(&mut open, holder);
            expect_no_way_in(&world, &files).await;
            for end in &mut unharmed {
                assert!(end.ask(LIVE).unwrap().starts_with(SEEN));
            }
        }
    });
}

#[test]
fn an_expired_revocation_list_trusts_nobody_until_a_fresh_one_is_there() {
    RUNTIME.block_on(async {
        let world = World::start(Engine::Sqlite).await;
        let authority = Authority::open(&world.site.layout.authority(), &SystemClock).unwrap();
        for holder in ["terminal-koriyama", "partition"] {
            let files = credulous(&world, holder);
            let mut open = keep_open(&world, (&files, SEEN));
            let past = SystemClock.now() - Duration::from_secs(60);
            authority.write_list_until(&[], past).unwrap();
            expect_out(&mut open, "expired");
            expect_no_way_in(&world, &files).await;

            authority.write_list(&[]).unwrap();
            let begun = Instant::now();
            for kind in ServiceKind::ALL {
                let url = world.site.addresses.url(kind);
                let line = Line::new(credentials(&files, kind), url);
                while line.call(("GET", "/livez"), None, b"").await.map_or(0, |a| a.status) != 200 {
                    assert!(begun.elapsed() < LIST_SECONDS, "{kind} does not recover");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    });
}
