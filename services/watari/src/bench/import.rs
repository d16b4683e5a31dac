//! How fast files of many municipalities come into their registers: sent in parts, checked with
//! errors planted, approved, committed.  The engine is driven without HTTP, in this process.

mod files;
mod hosted;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::Clock;
use screen::{Screen, show_time};
use serde::Serialize;
use tokio::task::JoinSet;

use self::files::Planted;
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
    vouchers: Phase,
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
    found: Found,
}

/// Rows that did not go into the register.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Found {
    /// By what is wrong: how many there are, and how many were held back.
    planted: BTreeMap<&'static str, (u64, u64)>,
    /// Rows in which nothing is wrong, by why they were held back.
    right_held: BTreeMap<String, u64>,
}

/// How one file went.
#[derive(Debug, Default)]
pub(super) struct Went {
    rows: u64,
    check: Duration,
    commit: Duration,
    committed: u64,
    found: Found,
}

pub(crate) async fn measure(
    folder: &Path,
    place: &Place,
    (clock, screen): (&Arc<dyn Clock>, Screen),
    args: &Args,
) -> Result<Measured, Failure> {
    let measured = import_all(folder, place, (clock, screen), args).await;
    place.clean_up(screen).await;
    measured
}

async fn import_all(
    folder: &Path,
    place: &Place,
    (clock, screen): (&Arc<dyn Clock>, Screen),
    args: &Args,
) -> Result<Measured, Failure> {
    let settings = set_up(folder, place, clock.as_ref()).await?;
    let hosted = Arc::new(Hosted::start(&settings, args.municipalities, clock).await?);
    let work = screen.begin("writing the files", None);
    let sizes = (args.subjects, args.doses);
    let planted = Arc::new(files::write(folder, &hosted.municipalities, sizes)?);
    work.done("files written");
    let subjects = phase(&hosted, folder, ("subjects", &planted), screen).await?;
    let peak_after_subjects_mib = peak_mib();
    let vouchers = phase(&hosted, folder, ("vouchers", &planted), screen).await?;
    let doses = phase(&hosted, folder, ("doses", &planted), screen).await?;
    let measured = Measured {
        database: place.name(),
        municipalities: args.municipalities,
        subjects,
        vouchers,
        doses,
        peak_mib: peak_mib(),
        peak_after_subjects_mib,
    };
    hosted.stop();
    Ok(measured)
}

async fn phase(
    hosted: &Arc<Hosted>,
    folder: &Path,
    (kind, planted): (&'static str, &Arc<HashMap<PathBuf, Planted>>),
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
            let (hosted, planted) = (Arc::clone(hosted), Arc::clone(planted));
            let path = files::path(folder, code, kind);
            hands.spawn(async move {
                let planted = planted.get(&path).cloned().unwrap_or_default();
                hosted.import(code, (&path, &planted)).await
            });
        }
        let Some(done) = hands.join_next().await else { break };
        let went = done.map_err(|_| Failure::Interrupted)??;
        sum.rows += went.rows;
        sum.check += went.check;
        sum.commit += went.commit;
        sum.committed += went.committed;
        sum.found.add(went.found);
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
        found: sum.found,
    })
}

impl Found {
    fn add(&mut self, other: Self) {
        for (slip, (planted, caught)) in other.planted {
            let own = self.planted.entry(slip).or_default();
            *own = (own.0 + planted, own.1 + caught);
        }
        for (why, count) in other.right_held {
            *self.right_held.entry(why).or_default() += count;
        }
    }

    fn text(&self) -> String {
        let planted = self.planted.iter().map(|(slip, (planted, caught))| {
            format!("            {planted:>8} planted, {caught:>8} held back: {slip}\n")
        });
        let right = self
            .right_held
            .iter()
            .map(|(why, count)| format!("            {count:>8} right rows held back: {why}\n"));
        planted.chain(right).collect()
    }
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
                "{what:<9} {:>9} rows in {:>9}: {:>7.0} rows/s; {} committed\n            checks \
                 took {:.1} s, commits {:.1} s, of all files\n{}",
                phase.rows,
                show_time(Duration::from_secs_f64(phase.seconds)),
                phase.rows_per_s,
                phase.committed,
                phase.check_s,
                phase.commit_s,
                phase.found.text(),
            )
        };
        format!(
            "{}, {} municipalities\n{}{}{}memory at most {} MiB, {} MiB of it before the doses",
            self.database,
            self.municipalities,
            line("subjects", &self.subjects),
            line("vouchers", &self.vouchers),
            line("doses", &self.doses),
            self.peak_mib,
            self.peak_after_subjects_mib,
        )
    }
}
