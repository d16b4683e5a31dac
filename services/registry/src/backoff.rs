//! Whoever fails to log in waits before the next try, longer each time.
//!
//! Kept in memory and bounded.  A restart forgets; guessing then gains a few tries, which is less
//! than a table of what strangers typed would cost.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use domain::{OperatorId, TerminalId};

use crate::Limits;

/// After so long without a failure everything is forgiven.
const QUIET_S: i64 = 3_600;

/// Failures of user ids and of terminals, whether they are registered or not.
pub(crate) struct Backoff {
    ladders: Mutex<Ladders>,
}

struct Ladders {
    users: Ladder,
    terminals: Ladder,
}

/// Who tries, and from where.
///
/// A user id counts together with the terminal's municipality: log-in never succeeds from another
/// one, so failing there must not keep the person out at home.
pub(crate) struct Attempt {
    user: Option<String>,
    terminal: String,
}

impl Attempt {
    /// A user id that no operator can have is not remembered; its terminal is.
    pub(crate) fn new(place: &str, user: Option<&OperatorId>, terminal: &TerminalId) -> Self {
        Self {
            user: user.map(|id| format!("{place}/{id}")),
            terminal: format!("{place}/{terminal}"),
        }
    }
}

impl Backoff {
    pub(crate) fn new(limits: &Limits) -> Self {
        let ladder = |failures_max| Ladder {
            steps: HashMap::new(),
            failures_max,
            delay_s_max: limits.failure_delay_s_max.max(1),
            steps_max: limits.failures_remembered_max.max(1),
        };
        let users = ladder(limits.failures_per_operator_max);
        let terminals = ladder(limits.failures_per_terminal_max);
        Self { ladders: Mutex::new(Ladders { users, terminals }) }
    }

    /// Lets an attempt begin, or says how many seconds to wait.
    ///
    /// It counts as failed at once, so many attempts at the same time are no way around.
    pub(crate) fn admit(&self, attempt: &Attempt, now_unix_s: i64) -> Result<(), u64> {
        let mut ladders = self.ladders.lock().unwrap_or_else(PoisonError::into_inner);
        let user_wait_s = attempt.user.as_ref().map_or(0, |u| ladders.users.wait_s(u, now_unix_s));
        let wait_s = user_wait_s.max(ladders.terminals.wait_s(&attempt.terminal, now_unix_s));
        if let Ok(wait_s @ 1..) = u64::try_from(wait_s) {
            return Err(wait_s);
        }
        if let Some(user) = &attempt.user {
            ladders.users.climb(user, now_unix_s);
        }
        ladders.terminals.climb(&attempt.terminal, now_unix_s);
        Ok(())
    }

    /// The log-in succeeded: the user's failures are forgiven, the terminal's only this once.
    pub(crate) fn succeeded(&self, attempt: &Attempt) {
        let mut ladders = self.ladders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(user) = &attempt.user {
            ladders.users.steps.remove(user);
        }
        ladders.terminals.step_back(&attempt.terminal);
    }

    /// It is not known whether the password was right: nobody is to blame.
    pub(crate) fn undecided(&self, attempt: &Attempt) {
        let mut ladders = self.ladders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(user) = &attempt.user {
            ladders.users.step_back(user);
        }
        ladders.terminals.step_back(&attempt.terminal);
    }
}

struct Ladder {
    steps: HashMap<String, Step>,
    failures_max: u32,
    delay_s_max: i64,
    steps_max: usize,
}

#[derive(Clone, Copy)]
struct Step {
    failures: u32,
    tried_at: i64,
    blocked_until: i64,
}

impl Ladder {
    fn wait_s(&self, key: &str, now: i64) -> i64 {
        self.steps.get(key).map_or(0, |step| step.blocked_until.saturating_sub(now))
    }

    fn climb(&mut self, key: &str, now: i64) {
        let before = self.steps.get(key).filter(|step| !step.is_forgotten(now));
        let failures = before.map_or(0, |step| step.failures).saturating_add(1);
        let blocked_until = now.saturating_add(self.delay_s(failures));
        if before.is_none() {
            self.make_place(now);
        }
        self.steps.insert(key.to_owned(), Step { failures, tried_at: now, blocked_until });
    }

    fn delay_s(&self, failures: u32) -> i64 {
        match failures.checked_sub(self.failures_max) {
            None => 0,
            Some(beyond) => 1_i64.checked_shl(beyond).map_or(self.delay_s_max, |delay| {
                if delay > 0 { delay.min(self.delay_s_max) } else { self.delay_s_max }
            }),
        }
    }

    fn step_back(&mut self, key: &str) {
        if let Some(step) = self.steps.get_mut(key) {
            step.failures = step.failures.saturating_sub(1);
            step.blocked_until = step.tried_at;
        }
    }

    /// When full, forgets who has been quiet, or else who failed least.
    fn make_place(&mut self, now: i64) {
        if self.steps.len() < self.steps_max {
            return;
        }
        self.steps.retain(|_, step| !step.is_forgotten(now));
        if self.steps.len() >= self.steps_max {
            let least = self.steps.iter().min_by_key(|(_, step)| step.failures);
            if let Some(least) = least.map(|(key, _)| key.clone()) {
                self.steps.remove(&least);
            }
        }
    }
}

impl Step {
    fn is_forgotten(&self, now: i64) -> bool {
        now.saturating_sub(self.blocked_until) > QUIET_S
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backoff(limits: Limits) -> Backoff {
        Backoff::new(&limits)
    }

    fn attempt(user: &str, terminal: &str) -> Attempt {
        let user = OperatorId::parse(user).unwrap();
        Attempt::new("131211", Some(&user), &TerminalId::parse(terminal).unwrap())
    }

    #[test]
    fn the_wait_doubles_up_to_its_maximum() {
        let backoff = backoff(Limits { failure_delay_s_max: 10, ..Limits::default() });
        let clerk = attempt("clerk", "t");
        let mut now = 1_000;
        let mut waits = Vec::new();
        for _ in 0..12 {
            let wait_s = backoff.admit(&clerk, now).err().unwrap_or(0);
            now += i64::try_from(wait_s).unwrap();
            waits.push(wait_s);
            if wait_s > 0 {
                backoff.admit(&clerk, now).unwrap();
            }
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 10, 10, 10]);
    }

    #[test]
    fn success_forgives_the_user_but_not_the_terminal() {
        let limits = Limits { failures_per_terminal_max: 3, ..Limits::default() };
        let backoff = backoff(limits);
        for user in ["a", "b"] {
            backoff.admit(&attempt(user, "t"), 9_000).unwrap();
        }
        // Logging in oneself in between is no way to try others for ever.
        backoff.admit(&attempt("mine", "t"), 9_000).unwrap();
        backoff.succeeded(&attempt("mine", "t"));
        backoff.admit(&attempt("c", "t"), 9_000).unwrap();
        assert_eq!(backoff.admit(&attempt("d", "t"), 9_000), Err(1));
        assert_eq!(backoff.admit(&attempt("d", "u"), 9_000), Ok(()));
    }

    #[test]
    fn failures_elsewhere_do_not_keep_a_person_out_at_home() {
        let backoff = backoff(Limits::default());
        let user = OperatorId::parse("clerk").unwrap();
        let terminal = TerminalId::parse("t").unwrap();
        let elsewhere = Attempt::new("072036", Some(&user), &terminal);
        for _ in 0..5 {
            backoff.admit(&elsewhere, 0).unwrap();
        }
        assert!(backoff.admit(&elsewhere, 0).is_err());
        assert_eq!(backoff.admit(&attempt("clerk", "t"), 0), Ok(()));
    }

    #[test]
    fn a_failure_of_ours_is_nobodys_failure() {
        let backoff = backoff(Limits::default());
        for _ in 0..50 {
            backoff.admit(&attempt("clerk", "t"), 0).unwrap();
            backoff.undecided(&attempt("clerk", "t"));
        }
    }

    #[test]
    fn memory_is_bounded_and_keeps_who_failed_most() {
        let limits = Limits {
            failures_remembered_max: 3,
            failures_per_terminal_max: u32::MAX,
            ..Limits::default()
        };
        let backoff = backoff(limits);
        for _ in 0..5 {
            backoff.admit(&attempt("target", "t"), 0).unwrap();
        }
        for flood in 0..100 {
            backoff.admit(&attempt(&format!("flood-{flood}"), "t"), 0).unwrap();
        }
        assert_eq!(backoff.ladders.lock().unwrap().users.steps.len(), 3);
        assert_eq!(backoff.admit(&attempt("target", "t"), 0), Err(1));
    }

    #[test]
    fn an_hour_without_a_failure_forgives() {
        let backoff = backoff(Limits::default());
        for _ in 0..5 {
            backoff.admit(&attempt("clerk", "t"), 0).unwrap();
        }
        backoff.admit(&attempt("clerk", "t"), QUIET_S + 2).unwrap();
        backoff.admit(&attempt("clerk", "t"), QUIET_S + 2).unwrap();
    }
}
