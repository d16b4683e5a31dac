//! How fast files of many municipalities come into their registers: sent in parts, checked with
//! errors planted, approved, committed.  The engine is driven without HTTP, in this process.

mod files;
mod hosted;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::Clock;
use screen::{Screen, show_time};
use serde::Serialize;
use tokio::task::JoinSet;

use self::hosted::Hosted;
use super::ground::{Place, set_up};
use crate::Failure;

/// Municipalities whose files are under way at once.
const HANDS: usize = 4;

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(long, value_name = "N", default_value_t = 20)]
    municipalities: u32,
    /// Persons in all municipalities together
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    subjects: u32,
    /// Doses in all municipalities together
    #[arg(long, value_name = "N", default_value_t = 50_000)]
    doses: u32,
}

/// The result.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Measured {
    database: &'static str,
    municipalities: u32,
    subjects: Phase,
    doses: Phase,
    /// Largest memory of this process until now, generator and job included.
    peak_mib: u64,
    peak_after_subjects_mib: u64,
}

/// One kind of file in all municipalities.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Phase {
    rows: u64,
    seconds: f64,
    rows_per_s: f64,
    /// From the first part sent to the preview, and from approval to commit, summed over files.
    check_s: f64,
    commit_s: f64,
    committed: u64,
    planted: u64,
    /// Rows that did not go into the register.
    caught: u64,
}

/// How one file went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Went {
    rows: u64,
    check: Duration,
    commit: Duration,
    committed: u64,
    caught: u64,
}

pub(crate) async fn measure(
    folder: &Path,
    place: &Place,
    (clock, screen): (&Arc<dyn Clock>, Screen),
    args: &Args,
) -> Result<Measured, Failure> {
    let settings = set_up(folder, place, clock.as_ref()).await?;
    let hosted = Arc::new(Hosted::start(&settings, args.municipalities, clock).await?);
    let work = screen.begin("writing the files", None);
    let planted = files::write(folder, &hosted.municipalities, args.subjects, args.doses)?;
    work.done("files written");
    let subjects = phase(&hosted, folder, ("subjects", planted.subjects), screen).await?;
    let peak_after_subjects_mib = peak_mib();
    let doses = phase(&hosted, folder, ("doses", planted.doses), screen).await?;
    let measured = Measured {
        database: place.name(),
        municipalities: args.municipalities,
        subjects,
        doses,
        peak_mib: peak_mib(),
        peak_after_subjects_mib,
    };
    hosted.stop();
    place.clean_up().await;
    Ok(measured)
}

async fn phase(
    hosted: &Arc<Hosted>,
    folder: &Path,
    (kind, planted): (&'static str, u64),
    screen: Screen,
) -> Result<Phase, Failure> {
    let total = u64::try_from(hosted.municipalities.len()).ok();
    let mut work = screen.begin(&format!("importing {kind}, by municipality"), total);
    let begun = Instant::now();
    let mut waiting = hosted.municipalities.iter().copied();
    let (mut hands, mut sum) = (JoinSet::new(), Went::default());
    loop {
        while hands.len() < HANDS
            && let Some(code) = waiting.next()
        {
            let (hosted, path) = (Arc::clone(hosted), files::path(folder, code, kind));
            hands.spawn(async move { hosted.import(code, &path).await });
        }
        let Some(done) = hands.join_next().await else { break };
        let went = done.map_err(|_| Failure::Interrupted)??;
        sum.rows += went.rows;
        sum.check += went.check;
        sum.commit += went.commit;
        sum.committed += went.committed;
        sum.caught += went.caught;
        work.step();
    }
    let took = begun.elapsed();
    work.done(&format!("{} rows of {kind}", sum.rows));
    let seconds = took.as_secs_f64();
    Ok(Phase {
        rows: sum.rows,
        seconds,
        rows_per_s: f64::from(u32::try_from(sum.rows).unwrap_or(u32::MAX)) / seconds,
        check_s: sum.check.as_secs_f64(),
        commit_s: sum.commit.as_secs_f64(),
        committed: sum.committed,
        planted,
        caught: sum.caught,
    })
}

/// The kernel's own account of this process.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or_default() / 1024
}

impl Measured {
    /// For a person to read.
    pub(crate) fn text(&self) -> String {
        let line = |what: &str, phase: &Phase| {
            format!(
                "{what:<9} {:>9} rows in {:>9}: {:>7.0} rows/s; {} committed, {} planted errors, \
                 {} rows held back\n            checks took {:.1} s, commits {:.1} s, of all files\n",
                phase.rows,
                show_time(Duration::from_secs_f64(phase.seconds)),
                phase.rows_per_s,
                phase.committed,
                phase.planted,
                phase.caught,
                phase.check_s,
                phase.commit_s,
            )
        };
        format!(
            "{}, {} municipalities\n{}{}memory at most {} MiB, {} MiB of it before the doses",
            self.database,
            self.municipalities,
            line("subjects", &self.subjects),
            line("doses", &self.doses),
            self.peak_mib,
            self.peak_after_subjects_mib,
        )
    }
}
