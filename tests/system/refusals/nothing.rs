//! Every kind of nothing is one answer: content, headers and length.

use domain::policy::Party;
use domain::{MunicipalityCode, ServiceKind};
use serde_json::Value;
use wire::partition::{AskRequest, FindInquiry, INQUIRIES, INQUIRIES_FIND};

use super::line::Answer;
use super::people::somebody;
use crate::support::{World, dose, fresh_number, on_both, question};

/// Questions whose true answers differ and whose answers to the clerk must not.
pub(super) async fn questions(world: &World) -> Vec<(&'static str, AskRequest)> {
    let adachi = world.cast.adachi.code;
    let ask = async |code: MunicipalityCode| {
        let number = fresh_number();
        world.arrive_in_koriyama(number).await;
        (number, question(number, code))
    };
    let (_, nobody) = ask(adachi).await;
    let (number, no_records) = ask(adachi).await;
    world.live_in_adachi(number, &[]).await;
    let (number, withheld) = ask(adachi).await;
    let subject = world.live_in_adachi(number, &[dose(1), dose(2)]).await;
    world.withhold_in_adachi(subject).await;
    let elsewhere = |code: &str| ask(MunicipalityCode::parse(code).unwrap());
    vec![
        ("not in Adachi", nobody),
        ("in Adachi without records", no_records),
        ("withheld", withheld),
        ("a code nobody has", elsewhere(UNKNOWN).await.1),
        ("a code that ended", elsewhere(ENDED).await.1),
        ("a municipality that does not take part", elsewhere(NOT_PARTICIPATING).await.1),
    ]
}

/// The check digit is right.
const UNKNOWN: &str = "999997";
/// The old Nakagawa, until 2018.
const ENDED: &str = "403059";
/// Sapporo.
const NOT_PARTICIPATING: &str = "011002";

#[test]
fn the_codes_are_what_they_stand_for() {
    use domain::municipalities::{ended_municipality, municipality};
    let parse = |code| MunicipalityCode::parse(code).unwrap();
    assert!(municipality(parse(UNKNOWN)).is_none() && ended_municipality(parse(UNKNOWN)).is_none());
    assert!(ended_municipality(parse(ENDED)).is_some());
    assert!(municipality(parse(NOT_PARTICIPATING)).is_some());
}

/// The answer with ids and times of one fixed length; all else is as it came, byte for byte.
fn without_what_may_differ(answer: &Answer) -> Answer {
    let mut same = answer.clone();
    for name in ["date", wire::client::REQUEST_ID_HEADER] {
        same.headers.remove(name);
    }
    let length = same.headers.remove("content-length").unwrap();
    assert_eq!(length, answer.body.len().to_string(), "the length is that of the body");
    let mut text = String::from_utf8(answer.body.clone()).unwrap();
    for field in ["inquiry", "logIndex", "answeredAtUnixMs", "expiresAtUnixMs"] {
        let value = &answer.json()[field];
        assert_ne!(value, &Value::Null, "{field}");
        let written = format!("\"{field}\":{value}");
        assert_eq!(text.matches(&written).count(), 1, "{field} in {text}");
        text = text.replace(&written, field);
    }
    same.body = text.into_bytes();
    same
}

#[test]
fn every_kind_of_nothing_is_the_same_answer_byte_for_byte() {
    on_both(async |world| {
        let clerk = somebody(world, Party::Clerk);
        let session = clerk.log_in(world).await;
        let line = clerk.line(world, ServiceKind::Partition);
        let mut first: Option<Answer> = None;
        for (kind, asked) in questions(world).await {
            let body = serde_json::to_vec(&asked).unwrap();
            let find = serde_json::to_vec(&FindInquiry { inquiry: asked.inquiry }).unwrap();
            let mut kept: Option<Answer> = None;
            for (path, body) in [(INQUIRIES, &body), (INQUIRIES, &body), (INQUIRIES_FIND, &find)] {
                let answer = line.call(("POST", path), session.as_deref(), body).await.unwrap();
                assert_eq!(answer.status, 200, "{kind}: {answer:?}");
                assert_eq!(answer.json()["outcome"], "nothing", "{kind}");
                let same = without_what_may_differ(&answer);
                assert_eq!(first.get_or_insert(same.clone()), &same, "{kind} at {path}");
                let body = answer.body.clone();
                assert_eq!(kept.get_or_insert(answer).body, body, "{kind} is kept as it was told");
            }
        }
    });
}

#[test]
fn what_is_found_is_another_answer_so_the_comparison_sees_something() {
    on_both(async |world| {
        let clerk = somebody(world, Party::Clerk);
        let session = clerk.log_in(world).await;
        let line = clerk.line(world, ServiceKind::Partition);
        let mut answers = Vec::new();
        for doses in [vec![], vec![dose(1)]] {
            let number = fresh_number();
            world.arrive_in_koriyama(number).await;
            world.live_in_adachi(number, &doses).await;
            let body = serde_json::to_vec(&question(number, world.cast.adachi.code)).unwrap();
            let target = ("POST", INQUIRIES);
            let answer = line.call(target, session.as_deref(), &body).await.unwrap();
            answers.push(without_what_may_differ(&answer));
        }
        assert_ne!(answers[0], answers[1]);
    });
}
