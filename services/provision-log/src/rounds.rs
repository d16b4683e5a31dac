//! Rounds in which witnesses cosign: one checkpoint is held out for a few seconds, then a newer one.
//!
//! In memory; what is kept in the database is one cosigned checkpoint every few minutes.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::MunicipalityCode;
use ledger::{Note, Signature};

use crate::config::{SilencePolicy, WitnessConfig};
use crate::head::Head;

/// A cosignature that was found good.
pub(crate) type Line = (MunicipalityCode, Signature);

#[derive(Debug)]
pub(crate) struct Rounds {
    config: WitnessConfig,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    started_at_unix_ms: i64,
    round: Option<Round>,
    /// The round before: some witnesses are slow.
    before: Option<Round>,
    /// When a round last came to have enough witnesses.
    heard_at_unix_ms: Option<i64>,
    /// When the newest cosignature came.
    newest_at_unix_ms: Option<i64>,
    kept_at_unix_ms: Option<i64>,
}

#[derive(Clone, Debug)]
struct Round {
    size: u64,
    note: Note,
    begun_at_unix_ms: i64,
    cosigned_at_unix_ms: i64,
    witnesses: BTreeSet<MunicipalityCode>,
    is_kept: bool,
}

/// A cosigned checkpoint, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cosigned {
    pub(crate) size: u64,
    pub(crate) note: String,
    pub(crate) cosigned_at_unix_ms: i64,
}

/// The checkpoint that was cosigned is not held out any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the round is over")]
pub(crate) struct RoundOver;

impl Rounds {
    pub(crate) fn new(config: WitnessConfig, now_unix_ms: i64) -> Self {
        let state = State {
            started_at_unix_ms: now_unix_ms,
            round: None,
            before: None,
            heard_at_unix_ms: None,
            newest_at_unix_ms: None,
            kept_at_unix_ms: None,
        };
        Self { config, state: Mutex::new(state) }
    }

    /// The round's checkpoint with all cosignatures so far; begins a round when the last is over.
    pub(crate) fn checkpoint(&self, head: &Head, now_unix_ms: i64) -> String {
        let mut state = self.state();
        if state.round.as_ref().is_none_or(|round| self.is_over(round, now_unix_ms))
            && let Ok(note) = head.note.parse()
        {
            let round = Round {
                size: head.tree.size(),
                note,
                begun_at_unix_ms: now_unix_ms,
                cosigned_at_unix_ms: now_unix_ms,
                witnesses: BTreeSet::new(),
                is_kept: false,
            };
            state.before = state.round.replace(round);
        }
        state.round.as_ref().map_or_else(|| head.note.clone(), |round| round.note.to_string())
    }

    /// Whether this text is being cosigned now, or was just before.
    pub(crate) fn holds_out(&self, text: &str) -> bool {
        let state = self.state();
        let mut rounds = state.round.iter().chain(&state.before);
        rounds.any(|round| round.note.text() == text)
    }

    /// Adds cosignatures of one text; answers how many witnesses its round has.
    pub(crate) fn add(
        &self,
        text: &str,
        lines: Vec<Line>,
        now_unix_ms: i64,
    ) -> Result<usize, RoundOver> {
        let mut state = self.state();
        let State { round, before, .. } = &mut *state;
        let mut rounds = round.iter_mut().chain(before);
        let round = rounds.find(|round| round.note.text() == text).ok_or(RoundOver)?;
        for (witness, line) in lines {
            round.note.add_line(line);
            round.witnesses.insert(witness);
        }
        round.cosigned_at_unix_ms = now_unix_ms;
        round.is_kept = false;
        let witnesses = round.witnesses.len();
        state.newest_at_unix_ms = Some(now_unix_ms);
        if witnesses >= self.config.quorum {
            state.heard_at_unix_ms = Some(now_unix_ms);
        }
        Ok(witnesses)
    }

    /// Whether too few have been heard for too long.
    pub(crate) fn is_silent(&self, now_unix_ms: i64) -> bool {
        let state = self.state();
        let heard = state.heard_at_unix_ms.unwrap_or(state.started_at_unix_ms);
        now_unix_ms.saturating_sub(heard) > to_ms(self.config.silent_s_max)
    }

    /// Whether nothing may be taken in now for want of witnesses.
    pub(crate) fn stops(&self, now_unix_ms: i64) -> bool {
        let is_unheard = || self.state().heard_at_unix_ms.is_none();
        self.config.policy == SilencePolicy::Stop && (is_unheard() || self.is_silent(now_unix_ms))
    }

    /// Seconds since the newest cosignature, or since the start.
    pub(crate) fn age_s(&self, now_unix_ms: i64) -> i64 {
        let state = self.state();
        let newest = state.newest_at_unix_ms.unwrap_or(state.started_at_unix_ms);
        now_unix_ms.saturating_sub(newest).div_euclid(1_000)
    }

    /// A finished round that is to be kept, if it is time for one.
    pub(crate) fn due(&self, now_unix_ms: i64) -> Option<Cosigned> {
        let state = self.state();
        let is_due = |kept| now_unix_ms.saturating_sub(kept) >= to_ms(self.config.keep_every_s);
        if !state.kept_at_unix_ms.is_none_or(is_due) {
            return None;
        }
        let round = state.round.as_ref().filter(|round| self.is_over(round, now_unix_ms));
        round.into_iter().chain(&state.before).find_map(Round::unkept)
    }

    /// The last round of a log that stops.
    pub(crate) fn last(&self) -> Option<Cosigned> {
        let state = self.state();
        state.round.iter().chain(&state.before).find_map(Round::unkept)
    }

    /// Notes that a round has been kept.
    pub(crate) fn kept(&self, cosigned: &Cosigned, now_unix_ms: i64) {
        let mut state = self.state();
        state.kept_at_unix_ms = Some(now_unix_ms);
        let State { round, before, .. } = &mut *state;
        for round in round.iter_mut().chain(before) {
            round.is_kept |= round.cosigned_at_unix_ms == cosigned.cosigned_at_unix_ms;
        }
    }

    fn is_over(&self, round: &Round, now_unix_ms: i64) -> bool {
        now_unix_ms.saturating_sub(round.begun_at_unix_ms) >= to_ms(self.config.round_s)
    }

    /// Nothing between taking and releasing this lock can fail half way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Round {
    fn unkept(&self) -> Option<Cosigned> {
        (!self.witnesses.is_empty() && !self.is_kept).then(|| Cosigned {
            size: self.size,
            note: self.note.to_string(),
            cosigned_at_unix_ms: self.cosigned_at_unix_ms,
        })
    }
}

fn to_ms(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1_000)
}

#[cfg(test)]
mod tests {
    use domain::MunicipalityCode;
    use ledger::{KeyId, KeyName};

    use super::*;

    const CONFIG: WitnessConfig = WitnessConfig {
        round_s: 5,
        silent_s_max: 600,
        policy: SilencePolicy::Stop,
        quorum: 2,
        keep_every_s: 60,
    };

    fn head(size: u64) -> Head {
        let line = "\u{2014} log.example AAAAAAAA";
        Head { note: format!("log.example\n{size}\nroot\n\n{line}\n"), ..Head::empty() }
    }

    fn line(code: &str) -> Line {
        let name = KeyName::parse(&format!("log.example/witness/{code}")).unwrap();
        let line = Signature { name, key_id: KeyId::from([1; 4]), bytes: vec![7; 72] };
        (MunicipalityCode::parse(code).unwrap(), line)
    }

    #[test]
    fn a_round_lasts_its_seconds_and_the_one_before_still_counts() {
        let rounds = Rounds::new(CONFIG, 0);
        let first = rounds.checkpoint(&head(1), 0);
        assert_eq!(rounds.checkpoint(&head(2), 4_999), first);
        let (one, two, three) = ("log.example\n1\nroot\n", "log.example\n2\nroot\n", "other\n");
        assert!(rounds.holds_out(one) && !rounds.holds_out(two));
        assert_eq!(rounds.add(one, vec![line("131211")], 4_999), Ok(1));
        assert!(rounds.checkpoint(&head(2), 4_999).contains("log.example/witness/131211"));
        let second = rounds.checkpoint(&head(2), 5_000);
        assert!(second.contains("\n2\n") && !second.contains("witness"));
        assert_eq!(rounds.add(one, vec![line("072036"), line("131211")], 5_001), Ok(2));
        assert_eq!(rounds.add(two, vec![line("072036")], 5_001), Ok(1));
        rounds.checkpoint(&head(3), 10_000);
        assert_eq!(rounds.add(one, vec![line("072036")], 10_001), Err(RoundOver));
        assert_eq!(rounds.add(three, Vec::new(), 10_001), Err(RoundOver));
    }

    #[test]
    fn too_few_are_silence_and_silence_stops() {
        let rounds = Rounds::new(CONFIG, 0);
        rounds.checkpoint(&head(1), 0);
        assert!(rounds.stops(0) && !rounds.is_silent(0), "nobody has been heard since the start");
        rounds.add("log.example\n1\nroot\n", vec![line("131211")], 1_000).unwrap();
        assert!(rounds.stops(1_000), "one of two");
        rounds.add("log.example\n1\nroot\n", vec![line("072036")], 2_000).unwrap();
        assert!(!rounds.stops(2_000) && !rounds.stops(602_000));
        assert!(rounds.stops(602_001) && rounds.is_silent(602_001));
        assert_eq!(rounds.age_s(602_001), 600);
        let alarm = WitnessConfig { policy: SilencePolicy::Alarm, ..CONFIG };
        let rounds = Rounds::new(alarm, 0);
        assert!(!rounds.stops(700_000) && rounds.is_silent(700_000));
    }

    #[test]
    fn one_round_is_kept_every_minute_and_the_last_one_at_the_end() {
        let rounds = Rounds::new(CONFIG, 0);
        let mut kept = Vec::new();
        for second in 0..130 {
            let (now, size) = (second * 1_000, u64::try_from(second / 5).unwrap());
            rounds.checkpoint(&head(size), now);
            let text = format!("log.example\n{size}\nroot\n");
            rounds.add(&text, vec![line("131211")], now + 1).unwrap();
            if let Some(cosigned) = rounds.due(now + 2) {
                rounds.kept(&cosigned, now + 2);
                kept.push(cosigned.cosigned_at_unix_ms);
            }
        }
        assert_eq!(kept, [4_001, 64_001, 124_001]);
        let last = rounds.last().unwrap();
        assert_eq!(last.cosigned_at_unix_ms, 129_001);
        rounds.kept(&last, 129_002);
        assert_eq!(rounds.last(), None);
    }
}
