use std::time::{Duration, Instant};

use domain::municipalities::ended_municipality;
use domain::{InquiryId, MunicipalityCode, ServiceKind};
use serde::Serialize;
use uuid::Uuid;
use wire::partition::{AskOutcome, AskRequest};

use super::ground::{Ground, residents};
use super::load::ask;
use crate::Failure;
use crate::story::show::question;
use screen::Screen;

/// How much is asked.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Questions, of all kinds together in random order
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    requests: usize,
}

/// People of each kind; serials apart from everybody else's.
const PEOPLE: u32 = 16;
const SERIALS_FROM: u32 = 2_000_000;
/// Was merged into Kawaguchi in 2011.
const ENDED: &str = "112267";
/// Nobody ever had it.
const UNKNOWN: &str = "990001";
/// A token does not live long enough for more.
const QUESTIONS_PER_LOG_IN: usize = 5_000;

/// What the answers of one kind took.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kind {
    kind: &'static str,
    is_nothing: bool,
    asked: usize,
    median_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    #[serde(skip)]
    sorted: Vec<Duration>,
}

/// Two kinds of nothing, compared by the times of all their answers.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pair {
    kinds: [&'static str; 2],
    /// Kolmogorov and Smirnov's: the largest difference of the two distributions, 0 to 1.
    distance: f64,
    /// Reached by chance alone in one of a thousand comparisons of equal kinds.
    chance: f64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Comparison {
    database: &'static str,
    kinds: Vec<Kind>,
    pairs: Vec<Pair>,
}

/// Asks questions of every kind, shuffled, one after the other.
pub(crate) async fn compare(
    ground: &Ground,
    args: &Args,
    screen: Screen,
) -> Result<Comparison, Failure> {
    let kinds = people_of_all_kinds(ground, screen).await?;
    let mut times = vec![Vec::new(); kinds.len()];
    let mut order: Vec<usize> = (0..kinds.len()).cycle().take(args.requests).collect();
    order.sort_by_cached_key(|_| Uuid::new_v4());
    let clerk = &ground.cast.koriyama.clerk;
    let client = ground.site.client(clerk.terminal.as_str(), ServiceKind::Partition)?;
    let mut work = screen.begin("asking", u64::try_from(order.len()).ok());
    for part in order.chunks(QUESTIONS_PER_LOG_IN) {
        let desk = ground.desk(clerk).await?;
        for nth in part {
            let (Some((_, wanted, questions)), Some(times)) =
                (kinds.get(*nth), times.get_mut(*nth))
            else {
                continue;
            };
            let Some(question) = questions.get(times.len() % questions.len().max(1)) else {
                continue;
            };
            let question = AskRequest { inquiry: InquiryId::make_random(), ..question.clone() };
            let begun = Instant::now();
            let outcome = ask(&client, &desk.session().token, &question).await;
            times.push(begun.elapsed());
            if outcome != Some(*wanted) {
                return Err(Failure::Claim("every kind of person gets the answer of its kind"));
            }
            work.step();
        }
    }
    work.done(&format!("{} questions asked", order.len()));
    let kinds = kinds
        .iter()
        .zip(times)
        .map(|((kind, outcome, _), times)| Kind::new(kind, *outcome == AskOutcome::Nothing, times));
    Ok(Comparison::new(ground.engine(), kinds.collect()))
}

type Questions = (&'static str, AskOutcome, Vec<AskRequest>);

/// Everybody is in Koriyama's register; what Adachi has of them makes the difference.
async fn people_of_all_kinds(ground: &Ground, screen: Screen) -> Result<Vec<Questions>, Failure> {
    let cast = &ground.cast;
    let all = residents(SERIALS_FROM..SERIALS_FROM + 4 * PEOPLE, false);
    ground.register(&cast.koriyama, &all, screen).await?;
    let groups: Vec<_> = (0..4).map(|nth| SERIALS_FROM + nth * PEOPLE).collect();
    let [found, withheld, empty, absent] = groups.as_slice() else { return Ok(Vec::new()) };
    let people = |first: &u32, has_doses| residents(*first..first + PEOPLE, has_doses);
    ground.register(&cast.adachi, &people(found, true), screen).await?;
    ground.register(&cast.adachi, &people(empty, false), screen).await?;
    let subjects = ground.register(&cast.adachi, &people(withheld, true), screen).await?;
    let supervisor = ground.desk(&cast.adachi.supervisor).await?;
    for subject in subjects {
        supervisor.withhold(subject, true).await.map_err(Failure::call("withholding"))?;
    }
    let ask = |first: &u32, provider: MunicipalityCode| {
        let questions = people(first, false).into_iter().map(|one| question(cast, &one));
        questions.map(|asked| AskRequest { provider, ..asked }).collect::<Vec<_>>()
    };
    let code = |text| MunicipalityCode::parse(text).map_err(|_| Failure::Claim("a code is a code"));
    let ended = code(ENDED)?;
    if ended_municipality(ended).is_none() {
        return Err(Failure::Claim("an ended code is an ended code"));
    }
    let (adachi, nothing) = (cast.adachi.code, AskOutcome::Nothing);
    Ok(vec![
        ("found", AskOutcome::Provided, ask(found, adachi)),
        ("unknown person", nothing, ask(absent, adachi)),
        ("no records", nothing, ask(empty, adachi)),
        ("withheld", nothing, ask(withheld, adachi)),
        ("unknown code", nothing, ask(found, code(UNKNOWN)?)),
        ("ended code", nothing, ask(found, ended)),
    ])
}

impl Kind {
    fn new(kind: &'static str, is_nothing: bool, mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            let time = times.get(times.len() * percent / 100).copied().unwrap_or_default();
            time.as_secs_f64() * 1_000.0
        };
        let (median_ms, p90_ms, p99_ms) = (at(50), at(90), at(99));
        Self { kind, is_nothing, asked: times.len(), median_ms, p90_ms, p99_ms, sorted: times }
    }
}

impl Comparison {
    fn new(database: &'static str, kinds: Vec<Kind>) -> Self {
        let nothings: Vec<&Kind> = kinds.iter().filter(|kind| kind.is_nothing).collect();
        let mut pairs = Vec::new();
        for (nth, one) in nothings.iter().enumerate() {
            for other in nothings.iter().skip(nth + 1) {
                pairs.push(Pair {
                    kinds: [one.kind, other.kind],
                    distance: distance(&one.sorted, &other.sorted),
                    chance: chance(one.asked, other.asked),
                });
            }
        }
        Self { database, kinds, pairs }
    }

    /// For a person to read.
    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{:<16} {:>6} {:>10} {:>8} {:>8}",
            "kind", "asked", "median ms", "p90 ms", "p99 ms"
        );
        for Kind { kind, asked, median_ms, p90_ms, p99_ms, .. } in &self.kinds {
            text.push_str(&format!(
                "\n{kind:<16} {asked:>6} {median_ms:>10.2} {p90_ms:>8.2} {p99_ms:>8.2}"
            ));
        }
        text.push_str("\n\nDistance of two kinds of nothing (0: alike, 1: apart), and by chance\n");
        for Pair { kinds: [one, other], distance, chance } in &self.pairs {
            let pair = format!("{one} / {other}");
            text.push_str(&format!("{pair:<34} {distance:>6.3} {chance:>8.3}\n"));
        }
        let is_apart = |pair: &&Pair| pair.distance > pair.chance;
        let apart = self.pairs.iter().filter(is_apart).map(|pair| pair.kinds.join(" and "));
        let apart: Vec<_> = apart.collect();
        text.push_str(&match apart.is_empty() {
            true => "Nobody tells one kind of nothing from another by its time.".to_owned(),
            false => format!("More than chance tells apart: {}.", apart.join(", ")),
        });
        text
    }
}

/// The largest difference of two empirical distributions (Kolmogorov and Smirnov).
fn distance(one: &[Duration], other: &[Duration]) -> f64 {
    let share = |times: &[Duration], time: &Duration| {
        let below = times.partition_point(|t| t <= time);
        number(below) / number(times.len().max(1))
    };
    let gap = |time| (share(one, time) - share(other, time)).abs();
    one.iter().chain(other).map(gap).fold(0.0, f64::max)
}

/// What equal distributions exceed once in a thousand times.
fn chance(one: usize, other: usize) -> f64 {
    let (one, other) = (number(one.max(1)), number(other.max(1)));
    1.95 * ((one + other) / (one * other)).sqrt()
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(ms: impl Iterator<Item = u64>) -> Vec<Duration> {
        ms.map(Duration::from_millis).collect()
    }

    #[test]
    fn distance_is_zero_for_the_same_and_one_for_the_separate() {
        let (low, high) = (times(0..100), times(200..300));
        assert!(distance(&low, &low) < 1e-9);
        assert!((distance(&low, &high) - 1.0).abs() < 1e-9);
        assert!((distance(&low, &times(50..150)) - 0.5).abs() < 0.02);
    }

    #[test]
    fn what_is_alike_is_called_alike_and_what_is_not_is_named() {
        let kind = |name, from: u64| Kind::new(name, true, times(from..from + 400));
        let alike = Comparison::new("SQLite", vec![kind("a", 0), kind("b", 1)]);
        assert!(alike.text().ends_with("by its time."), "{}", alike.text());
        let apart = Comparison::new("SQLite", vec![kind("a", 0), kind("b", 300)]);
        assert!(apart.text().ends_with("tells apart: a and b."), "{}", apart.text());
    }

    #[test]
    fn the_codes_are_of_their_kinds() {
        assert!(ended_municipality(MunicipalityCode::parse(ENDED).unwrap()).is_some());
        let unknown = MunicipalityCode::parse(UNKNOWN).unwrap();
        assert!(domain::municipalities::municipality(unknown).is_none());
        assert!(ended_municipality(unknown).is_none());
    }
}
