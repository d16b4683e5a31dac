use domain::Reason;
use domain::law::{PermissionList, day_in_japan};
use service::Directory;
use time::OffsetDateTime;

use crate::authentic;
use crate::state::Attempt;

/// By what an inquiry is judged.
pub(crate) struct Rules<'a> {
    pub(crate) directory: &'a Directory,
    pub(crate) permissions: &'a PermissionList,
    pub(crate) clock_s_max: u64,
    pub(crate) now: OffsetDateTime,
    /// For how long the operator is still blocked, if so.
    pub(crate) blocked_s: Option<u64>,
}

/// Why an inquiry does not go on; it is on record before the asker hears of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) retry_after_s: Option<u64>,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, retry_after_s: None }
    }
}

/// Decides whether an inquiry goes on: authentic first, for only then is it the inquirer's own.
pub(crate) fn admit(rules: &Rules<'_>, attempt: &Attempt) -> Result<(), Refusal> {
    let Rules { directory, permissions, clock_s_max, now, blocked_s } = *rules;
    let header = &attempt.inquiry.header;
    if !authentic::is_host(directory, &attempt.instance, header.inquirer) {
        return Err(Reason::NotAuthentic.into());
    }
    authentic::check(directory, &attempt.signed(), now.unix_timestamp(), clock_s_max)?;
    if blocked_s.is_some() {
        return Err(Refusal { reason: Reason::TooMany, retry_after_s: blocked_s });
    }
    permissions.check(header, day_in_japan(now)).map_err(|_| Reason::NotPermitted.into())
}

#[cfg(test)]
mod tests {
    use crypto::SigningKey;
    use domain::{InquiryHeader, MunicipalityCode};
    use time::Duration;
    use wire::broker::BrokerInquiry;
    use wire::registry::{DirectoryEntry, PublishedKey};

    use super::*;
    use crate::state::tests::{attempt, header, sent, signed_by};

    fn published(key: &SigningKey, not_before_unix_s: i64, not_after_unix_s: i64) -> PublishedKey {
        let key = key.verifying_key().as_bytes().to_vec().into();
        PublishedKey { id: 1, key, not_before_unix_s, not_after_unix_s }
    }

    fn directory(signing_keys: Vec<PublishedKey>) -> Directory {
        let koriyama = DirectoryEntry {
            municipality: MunicipalityCode::parse("072036").unwrap(),
            host: "p1".to_owned(),
            url: "https://localhost:1".to_owned(),
            sealing_keys: Vec::new(),
            signing_keys,
        };
        Directory::read(wire::registry::Directory {
            sequence: 1,
            issued_at_unix_s: 0,
            expires_at_unix_s: i64::MAX,
            municipalities: vec![koriyama],
            token_keys: Vec::new(),
        })
    }

    fn judge(
        directory: &Directory,
        attempt: &Attempt,
        blocked_s: Option<u64>,
        late: Duration,
    ) -> Result<(), Refusal> {
        let asked = attempt.inquiry.header.asked_at().unwrap();
        let permissions = &PermissionList::built_in();
        admit(
            &Rules { directory, permissions, clock_s_max: 300, now: asked + late, blocked_s },
            attempt,
        )
    }

    fn reason(judged: Result<(), Refusal>) -> Option<Reason> {
        judged.err().map(|refusal| refusal.reason)
    }

    #[test]
    fn only_the_inquirers_own_host_and_key_are_authentic() {
        let (key, other) = (SigningKey::make_random().unwrap(), SigningKey::make_random().unwrap());
        let directory = directory(vec![published(&key, 0, i64::MAX)]);
        let judge = |attempt: Attempt| reason(judge(&directory, &attempt, None, Duration::ZERO));
        assert_eq!(judge(attempt(&key)), None);
        assert_eq!(judge(attempt(&other)), Some(Reason::NotAuthentic));

        let elsewhere = Attempt { instance: "p2".to_owned(), ..attempt(&key) };
        assert_eq!(judge(elsewhere), Some(Reason::NotAuthentic));
        let uruma = MunicipalityCode::parse("472131").unwrap();
        let nobody = signed_by(&key, InquiryHeader { inquirer: uruma, ..header() });
        assert_eq!(judge(sent(nobody).unwrap()), Some(Reason::NotAuthentic));

        let changes: [fn(&mut BrokerInquiry); 4] = [
            |inquiry| inquiry.sealed.0[0] ^= 1,
            |inquiry| inquiry.header.asked_at_unix_s += 1,
            |inquiry| inquiry.signature.0[63] ^= 1,
            |inquiry| inquiry.signature.0.clear(),
        ];
        for change in changes {
            let mut changed = signed_by(&key, header());
            change(&mut changed);
            assert_eq!(judge(sent(changed).unwrap()), Some(Reason::NotAuthentic));
        }
    }

    #[test]
    fn a_key_counts_within_its_validity_and_two_may_overlap() {
        let (old, new) = (SigningKey::make_random().unwrap(), SigningKey::make_random().unwrap());
        let asked = header().asked_at_unix_s;
        let directory =
            directory(vec![published(&old, 0, asked), published(&new, asked, i64::MAX)]);
        let judge =
            |key, late_s| reason(judge(&directory, &attempt(key), None, Duration::seconds(late_s)));
        assert_eq!([judge(&old, 0), judge(&new, 0)], [None, None]);
        assert_eq!([judge(&old, 1), judge(&new, 1)], [Some(Reason::NotAuthentic), None]);
        assert_eq!(judge(&new, -1), Some(Reason::NotAuthentic));
    }

    #[test]
    fn an_inquiry_is_neither_old_nor_from_the_future() {
        let key = SigningKey::make_random().unwrap();
        let directory = directory(vec![published(&key, 0, i64::MAX)]);
        for (late_s, want) in [
            (300, None),
            (301, Some(Reason::OutOfTime)),
            (-300, None),
            (-301, Some(Reason::OutOfTime)),
        ] {
            let late = Duration::seconds(late_s);
            assert_eq!(reason(judge(&directory, &attempt(&key), None, late)), want, "{late_s}");
        }
    }

    #[test]
    fn a_blocked_operator_hears_how_long() {
        let key = SigningKey::make_random().unwrap();
        let directory = directory(vec![published(&key, 0, i64::MAX)]);
        let judged = judge(&directory, &attempt(&key), Some(7), Duration::ZERO);
        assert_eq!(judged, Err(Refusal { reason: Reason::TooMany, retry_after_s: Some(7) }));
        let forged = attempt(&SigningKey::make_random().unwrap());
        let judged = judge(&directory, &forged, Some(7), Duration::ZERO);
        assert_eq!(reason(judged), Some(Reason::NotAuthentic));
    }

    #[test]
    fn what_is_not_listed_is_refused() {
        let key = SigningKey::make_random().unwrap();
        let directory = directory(vec![published(&key, 0, i64::MAX)]);
        for other in [
            InquiryHeader { procedure: "tax".to_owned(), ..header() },
            InquiryHeader { provider: header().inquirer, ..header() },
            InquiryHeader { legal_basis: "number-act-19-15".to_owned(), ..header() },
        ] {
            let attempt = sent(signed_by(&key, other)).unwrap();
            let judged = judge(&directory, &attempt, None, Duration::ZERO);
            assert_eq!(reason(judged), Some(Reason::NotPermitted));
        }
    }
}
