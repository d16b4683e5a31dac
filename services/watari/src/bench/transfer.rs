use std::time::Duration;

use serde::Serialize;

use super::ground::{Ground, residents};
use super::load::ask_for;
use super::replay::Replay;
use crate::Failure;
use screen::Screen;

/// Serials of the people who moved, apart from the demonstration's.
const MOVED_FROM: u32 = 1_000_000;

/// How much is asked.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// How many clerks ask at once, one measurement each
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "1,8,32,64")]
    clients: Vec<usize>,
    /// How long each measurement lasts
    #[arg(long, value_name = "S", default_value_t = 10)]
    seconds: u64,
    /// How many people moved
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    residents: u32,
}

/// One line of the result.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    database: &'static str,
    clients: usize,
    inquiries_per_s: f64,
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    errors: u64,
    replay_per_s: f64,
    replay_p50_ms: f64,
    replay_errors: u64,
    /// Inquiries per replay: what of the machine's limit is left with the services.
    ratio: f64,
}

/// Measures inquiries that find, and beside each measurement the databases' part alone.
pub(crate) async fn measure(
    ground: &Ground,
    args: &Args,
    screen: Screen,
) -> Result<Vec<Line>, Failure> {
    let serials = MOVED_FROM..MOVED_FROM + args.residents.max(1);
    let cast = &ground.cast;
    for (town, has_doses) in [(&cast.adachi, true), (&cast.koriyama, false), (&cast.uruma, true)] {
        ground.register(town, &residents(serials.clone(), has_doses), screen).await?;
    }
    let moved = residents(serials, false);
    let length = Duration::from_secs(args.seconds.max(1));
    // One found inquiry, from which the replay takes its values.
    let first = moved.get(..1).unwrap_or_default();
    ask_for(ground, first, (1, Duration::from_millis(1))).await?;
    let replay = Replay::prepare(ground).await?;
    let mut lines = Vec::new();
    for clients in args.clients.iter().copied().filter(|clients| *clients > 0) {
        let work = screen.begin(&format!("{clients} clients ask"), None);
        let asked = ask_for(ground, &moved, (clients, length)).await?;
        work.done(&format!("{clients} clients asked"));
        let work = screen.begin(&format!("{clients} threads replay the SQL alone"), None);
        let replayed = replay.run(clients, length).await?;
        work.done(&format!("{clients} threads replayed the SQL alone"));
        let (inquiries_per_s, replay_per_s) = (asked.per_s(length), replayed.per_s(length));
        lines.push(Line {
            database: ground.engine(),
            clients,
            inquiries_per_s,
            p50_ms: asked.quantile_ms(0.5),
            p90_ms: asked.quantile_ms(0.9),
            p99_ms: asked.quantile_ms(0.99),
            errors: asked.errors,
            replay_per_s,
            replay_p50_ms: replayed.quantile_ms(0.5),
            replay_errors: replayed.errors,
            ratio: inquiries_per_s / replay_per_s,
        });
    }
    Ok(lines)
}

/// For a person to read.
pub(crate) fn table(lines: &[Line]) -> String {
    let mut text = format!(
        "{:>7} {:>12} {:>8} {:>8} {:>8} {:>7} {:>10} {:>8} {:>6}",
        "clients",
        "inquiries/s",
        "p50 ms",
        "p90 ms",
        "p99 ms",
        "errors",
        "replay/s",
        "p50 ms",
        "ratio"
    );
    for line in lines {
        text.push_str(&format!(
            "\n{:>7} {:>12.0} {:>8.1} {:>8.1} {:>8.1} {:>7} {:>10.0} {:>8.1} {:>6.2}",
            line.clients,
            line.inquiries_per_s,
            line.p50_ms,
            line.p90_ms,
            line.p99_ms,
            line.errors + line.replay_errors,
            line.replay_per_s,
            line.replay_p50_ms,
            line.ratio,
        ));
    }
    text
}
