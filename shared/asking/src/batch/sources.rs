//! Which sources answer; one that does not is tried again by a single row, later each time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use domain::MunicipalityCode;

/// Every source that was asked by a batch lately.
#[derive(Debug, Default)]
pub(super) struct Sources(HashMap<MunicipalityCode, Source>);

#[derive(Debug, Default)]
struct Source {
    in_flight: usize,
    silent: Option<Silent>,
}

#[derive(Debug)]
struct Silent {
    since_unix_ms: i64,
    tries: u32,
    retry_at: Instant,
}

/// What is known of a source after a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Answer,
    Silence,
    /// The row ended before the source had a say.
    Nothing,
}

impl Sources {
    /// Whether one more row may be sent there now.
    pub(super) fn may_ask(&self, code: MunicipalityCode, now: Instant, rows_max: usize) -> bool {
        match self.0.get(&code) {
            None => true,
            Some(Source { in_flight, silent: Some(silent) }) => {
                *in_flight == 0 && now >= silent.retry_at
            }
            Some(Source { in_flight, silent: None }) => *in_flight < rows_max,
        }
    }

    pub(super) fn begin(&mut self, code: MunicipalityCode) {
        self.0.entry(code).or_default().in_flight += 1;
    }

    pub(super) fn end(
        &mut self,
        (code, heard): (MunicipalityCode, Heard),
        (now, now_unix_ms): (Instant, i64),
        retry_s_max: u64,
    ) {
        let source = self.0.entry(code).or_default();
        source.in_flight = source.in_flight.saturating_sub(1);
        match (heard, &mut source.silent) {
            (Heard::Nothing, _) => {}
            (Heard::Answer, silent) => *silent = None,
            (Heard::Silence, Some(silent)) => {
                // Rows that were under way together are one silence.
                if now >= silent.retry_at {
                    silent.tries = silent.tries.saturating_add(1);
                    let s = 1_u64.checked_shl(silent.tries).unwrap_or(u64::MAX).min(retry_s_max);
                    silent.retry_at = now + Duration::from_secs(s);
                }
            }
            (Heard::Silence, silent) => {
                let retry_at = now + Duration::from_secs(retry_s_max.min(1));
                *silent = Some(Silent { since_unix_ms: now_unix_ms, tries: 0, retry_at });
            }
        }
        if source.in_flight == 0 && source.silent.is_none() {
            self.0.remove(&code);
        }
    }

    pub(super) fn silent_since_unix_ms(&self, code: MunicipalityCode) -> Option<i64> {
        Some(self.0.get(&code)?.silent.as_ref()?.since_unix_ms)
    }

    pub(super) fn is_asked(&self, code: MunicipalityCode) -> bool {
        self.0.get(&code).is_some_and(|source| source.in_flight > 0)
    }

    /// When the next silent source may be tried again; one that may be now and is not has no row.
    pub(super) fn next_retry(&self, now: Instant) -> Option<Instant> {
        let silent = self.0.values().filter(|source| source.in_flight == 0);
        let retries = silent.filter_map(|source| Some(source.silent.as_ref()?.retry_at));
        retries.filter(|retry_at| *retry_at > now).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adachi() -> MunicipalityCode {
        MunicipalityCode::parse("131211").unwrap()
    }

    #[test]
    fn a_source_that_answers_is_asked_for_so_many_rows_at_a_time() {
        let (mut sources, now) = (Sources::default(), Instant::now());
        for _ in 0..4 {
            assert!(sources.may_ask(adachi(), now, 4));
            sources.begin(adachi());
        }
        assert!(!sources.may_ask(adachi(), now, 4));
        sources.end((adachi(), Heard::Answer), (now, 0), 30);
        assert!(sources.may_ask(adachi(), now, 4));
    }

    #[test]
    fn a_silent_source_is_tried_by_one_row_and_later_each_time() {
        let (mut sources, mut now) = (Sources::default(), Instant::now());
        (0..4).for_each(|_| sources.begin(adachi()));
        (0..4).for_each(|_| sources.end((adachi(), Heard::Silence), (now, 7), 30));
        assert_eq!(sources.silent_since_unix_ms(adachi()), Some(7));
        for wait_s in [1, 2, 4, 8, 16, 30, 30] {
            assert!(!sources.may_ask(adachi(), now + Duration::from_millis(wait_s * 999), 4));
            let retry_at = now + Duration::from_secs(wait_s);
            assert_eq!(sources.next_retry(now), Some(retry_at));
            now = retry_at;
            assert_eq!(sources.next_retry(now), None);
            assert!(sources.may_ask(adachi(), now, 4));
            sources.begin(adachi());
            assert!(!sources.may_ask(adachi(), now, 4));
            sources.end((adachi(), Heard::Silence), (now, 8), 30);
        }
        now += Duration::from_secs(30);
        sources.begin(adachi());
        sources.end((adachi(), Heard::Answer), (now, 9), 30);
        assert_eq!(sources.silent_since_unix_ms(adachi()), None);
        assert!(sources.may_ask(adachi(), now, 4));
    }
}
