//! What is not in a route table is refused as if nobody had signed in, whoever asks.

use domain::ServiceKind;
use domain::policy::Party;
use wire::{partition, registry};

use super::endpoints::{every_endpoint, target};
use super::line::Answer;
use super::people::{Newcomer, somebody};
use crate::support::on_both;

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"];

/// Beside, under and around what there is.
const PATHS: [&str; 12] = [
    "/",
    "/v1",
    "/v1/",
    "/v1/subjects/",
    "/v1/subjects/1",
    "/V1/subjects",
    "//v1/subjects",
    "/v1//subjects",
    "/v1/subjects;a=b",
    "/v1/subjects/..",
    "/v1/subjects%2f",
    "/admin",
];

fn is_unauthenticated(answer: &Answer) -> bool {
    answer.status == 401 && answer.code() == "unauthenticated"
}

#[test]
fn an_unknown_path_is_refused_before_any_handler() {
    on_both(async |world| {
        for party in [Party::Supervisor, Party::National, Party::Broker, Party::Partition] {
            let caller = somebody(world, party);
            let session = caller.log_in(world).await;
            for kind in ServiceKind::ALL {
                let line = caller.line(world, kind);
                for path in PATHS {
                    for method in METHODS {
                        let answer = line.call((method, path), session.as_deref(), b"");
                        let answer = answer.await.unwrap();
                        assert!(is_unauthenticated(&answer), "{method} {path}: {answer:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn a_known_path_with_another_method_is_an_unknown_path() {
    on_both(async |world| {
        let newcomer = Newcomer::register(world).await;
        let session = newcomer.log_in(world).await;
        for (kind, endpoint) in every_endpoint() {
            let line = newcomer.line(world, kind);
            let (own, path) = target(endpoint);
            for method in METHODS.into_iter().filter(|method| *method != own) {
                let answer = line.call((method, &path), Some(&session), b"").await.unwrap();
                assert!(is_unauthenticated(&answer), "{method} {path}: {answer:?}");
            }
            // Its answer has no body to look at.
            let answer = line.call(("HEAD", &path), Some(&session), b"").await.unwrap();
            assert_eq!(answer.status, 401, "HEAD {path}");
        }
        // Among those was every way to end this session except the right one.
        let line = newcomer.line(world, ServiceKind::Registry);
        let answer = line.call(("POST", registry::LOG_OUT), Some(&session), b"").await.unwrap();
        assert_eq!(answer.status, 200);
    });
}

#[test]
fn a_path_in_disguise_opens_no_more_than_the_path_itself() {
    on_both(async |world| {
        let caller = somebody(world, Party::Clerk);
        let session = caller.log_in(world).await;
        let line = caller.line(world, ServiceKind::Partition);
        let own = partition::PROVISIONS_LIST.replace("provisions", "%70rovisions");
        for path in [own, format!("{}?role=supervisor", partition::PROVISIONS_LIST)] {
            let page = br#"{"from":0,"limit":1}"#;
            let answer = line.call(("POST", &path), session.as_deref(), page).await.unwrap();
            assert!(matches!(answer.status, 401 | 403), "{path}: {answer:?}");
        }
    });
}
