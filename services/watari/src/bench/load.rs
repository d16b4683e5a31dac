use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::{RequestId, ServiceKind};
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use wire::Client;
use wire::partition::{self, AskAnswer, AskOutcome, AskRequest};

use super::ground::Ground;
use crate::Failure;
use crate::story::residents::Resident;
use crate::story::show::question;

/// Connections are made and caches filled before anything counts.
const WARM_UP: Duration = Duration::from_secs(2);

/// Deadlines are shorter; what took longer counts as this.
const MICROS_MAX: u64 = 60_000_000;

/// When answers count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    begin: Instant,
    end: Instant,
}

impl Window {
    pub(super) fn after_warm_up(length: Duration) -> Self {
        let begin = Instant::now() + WARM_UP;
        Self { begin, end: begin + length }
    }

    pub(super) fn is_open(&self) -> bool {
        Instant::now() < self.end
    }
}

/// How long things took that ended within a window.
#[derive(Clone, Debug)]
pub(super) struct Times {
    micros: Histogram<u64>,
    pub(super) errors: u64,
}

impl Times {
    pub(super) fn new() -> Result<Self, Failure> {
        let micros = Histogram::new_with_bounds(1, MICROS_MAX, 3)
            .map_err(|_| Failure::Claim("a minute in three digits can be counted"))?;
        Ok(Self { micros, errors: 0 })
    }

    /// Keeps what began at `begun` and has ended now.
    pub(super) fn keep(&mut self, window: Window, begun: Instant) {
        let now = Instant::now();
        if now >= window.begin && now < window.end {
            let micros = u64::try_from((now - begun).as_micros()).unwrap_or(u64::MAX);
            self.micros.saturating_record(micros);
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        // Both have the same bounds, so every value fits.
        let _ = self.micros.add(&other.micros);
        self.errors += other.errors;
    }

    pub(super) fn per_s(&self, length: Duration) -> f64 {
        f64::from(u32::try_from(self.micros.len()).unwrap_or(u32::MAX)) / length.as_secs_f64()
    }

    pub(super) fn quantile_ms(&self, quantile: f64) -> f64 {
        Duration::from_micros(self.micros.value_at_quantile(quantile)).as_secs_f64() * 1_000.0
    }
}

/// Koriyama's clerk asks Adachi, at so many connections at once, one question after the other.
pub(super) async fn ask_for(
    ground: &Ground,
    residents: &[Resident],
    (clients, length): (usize, Duration),
) -> Result<Times, Failure> {
    let clerk = &ground.cast.koriyama.clerk;
    let token: Arc<str> = ground.desk(clerk).await?.session().token.as_str().into();
    let questions: Arc<[_]> = residents.iter().map(|one| question(&ground.cast, one)).collect();
    let connect = |_| ground.site.client(clerk.terminal.as_str(), ServiceKind::Partition);
    let connections = (0..clients).map(connect).collect::<Result<Vec<_>, _>>()?;
    let window = Window::after_warm_up(length);
    let mut asking = JoinSet::new();
    for (nth, client) in connections.into_iter().enumerate() {
        let place = (nth * questions.len() / clients.max(1), Arc::clone(&questions));
        asking.spawn(ask_until(client, Arc::clone(&token), place, window));
    }
    let mut all = Times::new()?;
    while let Some(done) = asking.join_next().await {
        all.add(&done.map_err(|_| Failure::Interrupted)??);
    }
    Ok(all)
}

async fn ask_until(
    client: Client,
    token: Arc<str>,
    (first, questions): (usize, Arc<[AskRequest]>),
    window: Window,
) -> Result<Times, Failure> {
    let mut times = Times::new()?;
    for question in questions.iter().cycle().skip(first) {
        if !window.is_open() {
            break;
        }
        let question = AskRequest { inquiry: domain::InquiryId::make_random(), ..question.clone() };
        let begun = Instant::now();
        match ask(&client, &token, &question).await {
            Some(AskOutcome::Provided) => times.keep(window, begun),
            _ => times.errors += 1,
        }
    }
    Ok(times)
}

pub(super) async fn ask(client: &Client, token: &str, question: &AskRequest) -> Option<AskOutcome> {
    let request = RequestId::make_random();
    let answer = client.post(partition::INQUIRIES, &request, Some(token), question).await;
    answer.ok().map(|answer: AskAnswer| answer.outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_as_long_as_they_were() {
        let begin = Instant::now();
        let window = Window { begin, end: begin + Duration::from_secs(60) };
        let mut times = Times::new().unwrap();
        times.keep(window, begin.checked_sub(Duration::from_millis(200)).unwrap());
        let mut all = Times::new().unwrap();
        all.add(&times);
        assert!((200.0..300.0).contains(&all.quantile_ms(0.5)), "{}", all.quantile_ms(0.5));
    }
}
