//! Every endpoint, for every party of the policy and under every flaw of certificate and token.

use std::collections::BTreeMap;

use domain::policy::{Party, may, needs_log_in};
use domain::{Action, ServiceKind, SystemClock};
use service::Endpoint;
use service::pki::Authority;
use tempfile::TempDir;
use wire::PeerIdentity;
use wire::tls::TlsFiles;

use super::flaws::{flawed_tokens, flawless_token};
use super::line::{Answer, Line, credentials, no_credentials};
use super::people::{Somebody, everybody, somebody};
use crate::support::{World, on_both};

/// Every way into every service.
pub(super) fn every_endpoint() -> impl Iterator<Item = (ServiceKind, &'static Endpoint)> {
    let kinds = ServiceKind::ALL.into_iter();
    kinds.flat_map(|kind| watari::services::endpoints(kind).iter().map(move |one| (kind, one)))
}

/// Method and path, with `0` for whatever the pattern leaves open.
pub(super) fn target(endpoint: &Endpoint) -> (&'static str, String) {
    let mut path = String::new();
    let mut rest = endpoint.path;
    while let Some((before, open)) = rest.split_once('{') {
        path.push_str(before);
        path.push('0');
        rest = open.split_once('}').unwrap().1;
    }
    (endpoint.method.as_str(), path + rest)
}

/// Calls without a body: who is refused is refused before one is read.
pub(super) async fn knock(
    line: &Line,
    endpoint: &Endpoint,
    authorization: Option<&str>,
) -> reqwest::Result<Answer> {
    let (method, path) = target(endpoint);
    line.call((method, &path), authorization, b"").await
}

/// Calls with an empty document: who is let in hears that something is missing in it.
async fn ask_for_nothing(line: &Line, endpoint: &Endpoint, authorization: Option<&str>) -> Answer {
    let (method, path) = target(endpoint);
    let body = if method == "GET" { b"".as_slice() } else { b"{}" };
    line.call((method, &path), authorization, body).await.unwrap()
}

#[test]
fn every_action_that_comes_over_the_network_has_an_endpoint() {
    let reached: Vec<Action> = every_endpoint().map(|(_, endpoint)| endpoint.action).collect();
    for action in Action::ALL {
        // Withholding is asked for by whoever flags a person so.
        let inner = [
            Action::ExpireAnswers,
            Action::ReviewOperations,
            Action::RunJobs,
            Action::WithholdSubject,
        ];
        let is_inner = inner.contains(&action);
        assert_eq!(reached.contains(&action), !is_inner, "{action:?}");
    }
}

/// Where nobody logs in, a token is not looked at and a person is what the terminal is.
fn is_let_in(world: &World, caller: &Somebody, action: Action) -> bool {
    let seen = match (&caller.person, needs_log_in(action)) {
        (Some(_), false) => somebody(world, Party::Terminal).actor,
        _ => caller.actor.clone(),
    };
    may(&seen, action)
}

#[test]
fn whoever_the_policy_names_is_let_in_and_everybody_else_is_refused_alike() {
    on_both(async |world| {
        let mut refusals: BTreeMap<u16, Answer> = BTreeMap::new();
        for caller in everybody(world) {
            let session = caller.log_in(world).await;
            for kind in ServiceKind::ALL {
                let line = caller.line(world, kind);
                for endpoint in watari::services::endpoints(kind) {
                    // Logging out needs no body, so it happens.
                    let session = match endpoint.action {
                        Action::LogOut => caller.log_in(world).await,
                        _ => session.clone(),
                    };
                    let answer = ask_for_nothing(&line, endpoint, session.as_deref()).await;
                    let what = format!("{:?} at {kind} {}", caller.party, endpoint.path);
                    if is_let_in(world, &caller, endpoint.action) {
                        assert!(!matches!(answer.status, 401 | 403), "{what}: {answer:?}");
                        continue;
                    }
                    let is_unknown =
                        caller.party == Party::Terminal && needs_log_in(endpoint.action);
                    let status = if is_unknown { 401 } else { 403 };
                    assert_eq!(answer.status, status, "{what}: {answer:?}");
                    let same = answer.without_ids();
                    assert_eq!(refusals.entry(status).or_insert(same.clone()), &same, "{what}");
                }
            }
        }
        assert_eq!(refusals.len(), 2);
    });
}

#[test]
fn without_a_certificate_of_ours_no_endpoint_answers() {
    on_both(async |world| {
        let foreign = Foreign::issue(world);
        for (kind, endpoint) in every_endpoint() {
            let url = world.site.addresses.url(kind);
            let nobody = Line::new(no_credentials(world), url);
            assert!(knock(&nobody, endpoint, None).await.is_err(), "{}", endpoint.path);
            for files in &foreign.files {
                let line = Line::new(credentials(files, kind), url);
                assert!(knock(&line, endpoint, None).await.is_err(), "{}", endpoint.path);
            }
        }
    });
}

/// Certificates that say the right things and come from another authority.
struct Foreign {
    files: Vec<TlsFiles>,
    _folder: TempDir,
}

impl Foreign {
    fn issue(world: &World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::create(folder.path(), &SystemClock).unwrap();
        let terminal = PeerIdentity::Terminal {
            municipality: Some(world.cast.koriyama.code),
            terminal: world.cast.koriyama.terminal().clone(),
        };
        let services = ServiceKind::ALL.map(|kind| PeerIdentity::service(kind, "main"));
        let identities = services.into_iter().chain([terminal]);
        let files = identities.enumerate().map(|(index, identity)| {
            let issued = authority.issue(&identity, &["127.0.0.1"], &index.to_string()).unwrap();
            let ours = world.site.layout.tls("broker");
            TlsFiles {
                authority: ours.authority,
                revocation_list: ours.revocation_list,
                ..issued.files
            }
        });
        Self { files: files.collect(), _folder: folder }
    }
}

#[test]
fn every_flaw_of_a_token_is_refused_alike_at_every_endpoint() {
    on_both(async |world| {
        let terminal = world.cast.koriyama.terminal().as_str();
        let flaws = flawed_tokens(world).await;
        let flawless = flawless_token(world);
        let mut refused: Option<Answer> = None;
        for kind in ServiceKind::ALL {
            let line = Line::to(world, kind, terminal);
            for endpoint in watari::services::endpoints(kind) {
                let without = knock(&line, endpoint, None).await.unwrap();
                let log_in = needs_log_in(endpoint.action);
                for (flaw, authorization) in &flaws {
                    let answer = knock(&line, endpoint, Some(authorization)).await.unwrap();
                    let what = format!("{flaw} at {kind} {}", endpoint.path);
                    assert_eq!(answer.status, without.status, "{what}: {answer:?}");
                    if log_in {
                        assert_eq!(
                            (answer.status, answer.code().as_str()),
                            (401, "unauthenticated")
                        );
                        let same = answer.without_ids();
                        assert_eq!(refused.get_or_insert(same.clone()), &same, "{what}");
                    }
                }
                if log_in && endpoint.action != Action::LogOut {
                    let answer = knock(&line, endpoint, Some(&flawless)).await.unwrap();
                    assert_ne!(answer.status, 401, "the tests sign as the registry does");
                }
            }
        }
        assert!(refused.is_some());
    });
}
