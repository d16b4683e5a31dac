use domain::{MunicipalityCode, Reason};
use service::Directory;
use service::directory::Member;
use time::OffsetDateTime;
use wire::CallError;
use wire::partition::{PROVIDE, ProvideAnswer, ProvideRequest};

use crate::filler;
use crate::hosts::Hosts;
use crate::settle::Decision;
use crate::state::Attempt;

/// The bytes of a salted commitment.
const COMMITMENT_BYTES: usize = 32;

/// Where this municipality's room is; `None` for a code that nobody has, or has any more, and for a
/// room without keys.
pub(crate) fn find_source(
    directory: &Directory,
    code: MunicipalityCode,
    now: OffsetDateTime,
) -> Option<&Member> {
    let has_key = |member: &&Member| member.sealing_key(now.unix_timestamp()).is_some();
    directory.current(code, now).filter(has_key)
}

/// Asks the source, and nobody else.
///
/// Asked once: a connection that died while idle is replaced before anything is sent, and beyond
/// that the asker's retry under the same id is the safe one.
pub(crate) async fn ask_source(
    hosts: &Hosts,
    source: &Member,
    attempt: &Attempt,
    permit: String,
) -> Decision {
    let Ok(client) = hosts.client(source) else {
        tracing::error!("no client can be made for the source");
        return Decision::Failed;
    };
    let inquiry = attempt.inquiry.clone();
    let request = ProvideRequest {
        header: inquiry.header,
        sealed: inquiry.sealed,
        signature: inquiry.signature,
        permit,
    };
    match client.post::<ProvideAnswer>(PROVIDE, &attempt.request, None, &request).await {
        Ok(answer) => take(answer),
        Err(CallError::Refused(problem)) => {
            tracing::warn!(status = problem.status, "the source refused");
            Decision::Refused(Reason::SourceRefused.into())
        }
        Err(error) => {
            tracing::warn!(%error, "the source gave no answer");
            Decision::Failed
        }
    }
}

/// An answer that is not of the agreed shape is a failure of the source, never "nothing".
fn take(answer: ProvideAnswer) -> Decision {
    let ProvideAnswer { sealed, commitment } = answer;
    if !filler::is_size_fit(&sealed.0, commitment.is_some()) {
        tracing::warn!("the source's answer has no agreed size");
        return Decision::Failed;
    }
    match commitment {
        None => Decision::Nothing { routed: true, sealed },
        Some(commitment) if commitment.0.len() == COMMITMENT_BYTES => {
            Decision::Provided { sealed, commitment }
        }
        Some(_) => {
            tracing::warn!("the source's commitment has no agreed size");
            Decision::Failed
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::municipalities::ended_municipality;
    use time::macros::datetime;
    use wire::registry::{DirectoryEntry, PublishedKey};

    use super::*;

    fn directory(code: &str, sealing_keys: Vec<PublishedKey>) -> Directory {
        let entry = DirectoryEntry {
            municipality: MunicipalityCode::parse(code).unwrap(),
            host: "p1".to_owned(),
            url: "https://localhost:1".to_owned(),
            sealing_keys,
            signing_keys: Vec::new(),
        };
        Directory::read(wire::registry::Directory {
            sequence: 1,
            issued_at_unix_s: 0,
            expires_at_unix_s: i64::MAX,
            municipalities: vec![entry],
            token_keys: Vec::new(),
        })
    }

    fn key(not_before_unix_s: i64, not_after_unix_s: i64) -> PublishedKey {
        PublishedKey { id: 1, key: vec![0; 1_216].into(), not_before_unix_s, not_after_unix_s }
    }

    #[test]
    fn a_room_without_a_key_of_today_is_no_source() {
        let now = datetime!(2026-11-20 03:00 UTC);
        let found = |keys| {
            let directory = directory("131211", keys);
            let adachi = MunicipalityCode::parse("131211").unwrap();
            let uruma = MunicipalityCode::parse("472131").unwrap();
            assert!(find_source(&directory, uruma, now).is_none());
            find_source(&directory, adachi, now).is_some()
        };
        assert!(found(vec![key(0, 1), key(0, i64::MAX)]));
        assert!(!found(vec![key(0, 1)]));
        assert!(!found(Vec::new()));
    }

    #[test]
    fn an_ended_code_is_no_source_even_if_somebody_left_it_in_the_directory() {
        let file = include_str!("../../../shared/domain/data/ended_municipalities.csv");
        let code = file.lines().nth(1).unwrap().split(',').next().unwrap();
        let directory = directory(code, vec![key(0, i64::MAX)]);
        let code = MunicipalityCode::parse(code).unwrap();
        let ended_on = ended_municipality(code).unwrap().ended_on;
        let last = ended_on.midnight().assume_offset(domain::law::JST) - time::Duration::SECOND;
        assert!(find_source(&directory, code, last).is_some());
        assert!(find_source(&directory, code, last + time::Duration::SECOND).is_none());
    }

    #[test]
    fn an_answer_of_another_size_is_a_failure_and_never_nothing() {
        let answer = |sealed: Vec<u8>, commitment: Option<Vec<u8>>| ProvideAnswer {
            sealed: sealed.into(),
            commitment: commitment.map(Into::into),
        };
        let small = filler::make_random();
        let nothing = take(answer(small.clone(), None));
        assert!(matches!(nothing, Decision::Nothing { routed: true, .. }));
        let provided = take(answer(small.clone(), Some(vec![1; 32])));
        assert!(matches!(provided, Decision::Provided { .. }));
        for bad in [
            answer(Vec::new(), None),
            answer(vec![0; 4_144], None),
            answer(small[1..].to_vec(), Some(vec![1; 32])),
            answer(small, Some(vec![1; 31])),
        ] {
            assert!(matches!(take(bad), Decision::Failed));
        }
    }
}
