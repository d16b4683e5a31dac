//! A body that is not of the agreed shape is refused by name, and nothing of it is repeated.

use std::collections::BTreeSet;

use domain::policy::{Party, may};
use domain::{Action, ServiceKind};
use service::{Endpoint, endpoint::Method};
use wire::fhir;

use super::endpoints::every_endpoint;
use super::line::{Answer, Line};
use super::people::somebody;
use crate::support::{World, on_both};

/// Stands for a name; no answer of ours has a reason to hold it.
const MARK: &str = "YamadaTaro";
const JSON: &str = "application/json";
/// What `watari setup` configures: nothing, so the default.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Every endpoint that reads a body, with a caller who is let in.
async fn every_form(world: &World) -> Vec<(&'static Endpoint, Line, Option<String>)> {
    let mut forms = Vec::new();
    for (kind, endpoint) in every_endpoint() {
        // Logging out reads nothing.
        if endpoint.method != Method::Post || endpoint.action == Action::LogOut {
            continue;
        }
        let callers = Party::ALL.into_iter().map(|party| somebody(world, party));
        let caller = callers.into_iter().find(|caller| may(&caller.actor, endpoint.action));
        let caller = caller.unwrap();
        forms.push((endpoint, caller.line(world, kind), caller.log_in(world).await));
    }
    forms
}

/// What a body of this endpoint is written in.
fn content_type(endpoint: &Endpoint) -> &'static str {
    if endpoint.path == fhir::IMMUNIZATION_SEARCH { fhir::FORM } else { JSON }
}

/// Bodies that nobody could mean.
fn shapeless() -> Vec<(&'static str, Vec<u8>)> {
    let nested =
        |open: &str, close: &str| format!("{}{}", open.repeat(50_000), close.repeat(50_000));
    vec![
        ("no document", MARK.as_bytes().to_vec()),
        ("half a document", format!("{{\"{MARK}\":\"{MARK}").into_bytes()),
        ("two documents", format!("{{}}{{\"{MARK}\":1}}").into_bytes()),
        ("an unknown field", format!("{{\"{MARK}\":\"{MARK}\"}}").into_bytes()),
        (
            "an unknown field with a broken value",
            format!("{{\"{MARK}\":{{\"{MARK}\":]").into_bytes(),
        ),
        ("a text", format!("\"{MARK}\"").into_bytes()),
        ("a list", format!("[[\"{MARK}\"]]").into_bytes()),
        ("deep lists", nested("[", "]").into_bytes()),
        ("deep objects", nested(&format!("{{\"{MARK}\":"), "}").into_bytes()),
        ("no UTF-8", [b"{\"a\":\"", MARK.as_bytes(), b"\xff\xfe\"}"].concat()),
        ("UTF-16", MARK.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a byte-order mark", b"\xef\xbb\xbf{}".to_vec()),
        ("a zero byte", b"{}\0".to_vec()),
    ]
}

fn expect_refused(answer: &Answer, want: (u16, &str), what: &str) {
    assert_eq!((answer.status, answer.code().as_str()), want, "{what}: {answer:?}");
    assert!(!answer.text().contains(&MARK.to_lowercase()), "{what} is repeated: {answer:?}");
}

#[test]
fn a_body_without_the_agreed_shape_is_refused_and_nothing_of_it_is_repeated() {
    on_both(async |world| {
        for (endpoint, line, session) in every_form(world).await {
            let (target, own) = (("POST", endpoint.path), content_type(endpoint));
            for (shape, body) in shapeless() {
                let what = format!("{shape} at {}", endpoint.path);
                let answer = line.call_as(target, own, session.as_deref(), &body).await.unwrap();
                expect_refused(&answer, (400, "malformed"), &what);
            }
            for other in ["text/plain", JSON, fhir::FORM, MARK] {
                if other == own {
                    continue;
                }
                let answer = line.call_as(target, other, session.as_deref(), b"{}");
                let answer = answer.await.unwrap();
                expect_refused(&answer, (400, "malformed"), endpoint.path);
                assert_eq!(answer.field(), "Content-Type");
            }
        }
    });
}

#[test]
fn a_known_field_with_a_wrong_value_is_named_and_its_value_is_not() {
    on_both(async |world| {
        let caller = somebody(world, Party::Clerk);
        let session = caller.log_in(world).await;
        let line = caller.line(world, ServiceKind::Partition);
        for value in [format!("\"{MARK}\""), format!("{{\"{MARK}\":1}}"), format!("[\"{MARK}\"]")] {
            let body = format!("{{\"inquiry\":{value}}}");
            let target = ("POST", wire::partition::INQUIRIES_FIND);
            let answer = line.call(target, session.as_deref(), body.as_bytes()).await.unwrap();
            expect_refused(&answer, (400, "malformed"), &value);
            assert_eq!(answer.json()["field"], "inquiry", "{answer:?}");
        }
    });
}

#[test]
fn what_is_sent_in_headers_and_paths_is_not_repeated_either() {
    on_both(async |world| {
        let line = somebody(world, Party::Terminal).line(world, ServiceKind::Partition);
        for path in [format!("/{MARK}"), format!("/v1/inquiries?{MARK}={MARK}")] {
            let token = format!("Bearer {MARK}");
            let answer = line.call(("POST", &path), Some(&token), MARK.as_bytes()).await.unwrap();
            expect_refused(&answer, (401, "unauthenticated"), &path);
        }
    });
}

#[test]
fn a_body_that_is_too_long_is_not_read_to_its_end() {
    on_both(async |world| {
        let body = vec![b' '; BODY_BYTES_MAX + 1];
        let mut answers = BTreeSet::new();
        for (endpoint, line, session) in every_form(world).await {
            let target = ("POST", endpoint.path);
            let own = content_type(endpoint);
            let answer = line.call_as(target, own, session.as_deref(), &body).await.unwrap();
            expect_refused(&answer, (413, "too-large"), endpoint.path);
            answers.insert((own, answer.without_ids().body));
        }
        // One sentence for each of the two languages that bodies are written in.
        assert_eq!(answers.len(), 2);
    });
}
