//! Services are killed at random moments while many ask: the answers stay true and on record.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::{Evidence, Extent, Trust};
use domain::ServiceKind;
use domain::retention::RetentionRules;
use ledger::Origin;
use provision_log::offline::Database;
use tokio::sync::watch;
use tokio::task::JoinSet;
use watari::story::desk::Desk;
use wire::CallError;
use wire::partition::AskAnswer;
use wire::provision_log::IndexedEntry;

use super::history;
use super::process::Process;
use super::stage::{Case, Stage};
use crate::support::{Engine, RUNTIME};

const ASKERS: u64 = 6;
/// How long the provision log is killed again and again, and then each of the others.
const LOG_KILLED: Duration = Duration::from_secs(6);
const OTHER_KILLED: Duration = Duration::from_secs(3);
/// A service lives at least and at most so long before it is killed.
const LIVES_MS: (u64, u64) = (20, 900);
/// And stays dead at most so long.
const DEAD_MS_MAX: u64 = 120;
/// After the last kill every inquiry is definite within this.
const DEFINITE_WAIT_MAX: Duration = Duration::from_secs(60);

#[test]
fn on_sqlite_a_killed_service_costs_time_and_nothing_else() {
    RUNTIME.block_on(survive(Engine::Sqlite));
}

#[test]
fn on_postgresql_a_killed_service_costs_time_and_nothing_else() {
    RUNTIME.block_on(survive(Engine::Postgres));
}

async fn survive(engine: Engine) {
    let seed = Seed::new();
    let mut random = Random(seed.0);
    let mut stage = Stage::start(engine).await;
    let log = Process::replace(&mut stage, ServiceKind::ProvisionLog).await;
    let broker = Process::replace(&mut stage, ServiceKind::Broker).await;
    let asker = Process::replace(&mut stage, ServiceKind::Partition).await;
    let source = Process::replace_second(&mut stage).await;
    let stage = Arc::new(stage);
    let (stop, stopped) = watch::channel(false);
    let mut askers = JoinSet::new();
    for _ in 0..ASKERS {
        let random = Random(random.next());
        askers.spawn(ask_on_and_on(Arc::clone(&stage), stopped.clone(), random));
    }
    let mut notes = Vec::new();
    let mut victims =
        [(log, LOG_KILLED), (source, OTHER_KILLED), (asker, OTHER_KILLED), (broker, OTHER_KILLED)];
    for (victim, lasting) in &mut victims {
        let lasting = *lasting;
        let kills = torment(victim, lasting, &mut random).await;
        assert!(kills >= 3, "only {kills} kills in {lasting:?}");
        notes.extend(history::note(&stage).await);
    }
    stop.send_replace(true);
    let answered: Vec<(Case, AskAnswer)> = askers.join_all().await.into_iter().flatten().collect();
    assert_all_on_record(&stage, &answered).await;
    history::assert_continues(&stage, &notes).await;
    assert_asked_again(&stage, &answered).await;
    // What was found on disk at the last start is what was signed.
    let [(log, _), ..] = &mut victims;
    log.kill();
    log.start_again().await;
    assert_all_on_record(&stage, &answered).await;
    history::assert_continues(&stage, &notes).await;
    log.kill();
    assert_sound(&stage);
}

/// The verifier finds nothing wrong with a log that was killed again and again.
fn assert_sound(stage: &Stage) {
    let config = stage.world.site.settings.provision_log().unwrap();
    let keys = config.keys().unwrap();
    let trust = Trust {
        origin: Origin::parse(&config.origin).unwrap(),
        log: keys.verifiers(),
        witnesses: Vec::new(),
        custodians: keys.custodians,
        retention: RetentionRules::shipped(),
    };
    let mut source = Database::open(&config.database.owner().unwrap()).unwrap();
    let extent = Extent { since: None, thorough: true };
    let report = audit::verify(&mut source, &trust, Evidence::default(), &extent);
    assert!(report.sound && report.size > 20, "{report:?}");
}

/// Kills a service again and again; it is alive at the end.
async fn torment(victim: &mut Process, lasting: Duration, random: &mut Random) -> u32 {
    let begun = Instant::now();
    let mut kills = 0;
    while begun.elapsed() < lasting {
        random.sleep(LIVES_MS.0, LIVES_MS.1).await;
        victim.kill();
        kills += 1;
        random.sleep(0, DEAD_MS_MAX).await;
        victim.start_again().await;
    }
    kills
}

/// Asks one question after the other, each until its answer is definite.
async fn ask_on_and_on(
    stage: Arc<Stage>,
    stopped: watch::Receiver<bool>,
    mut random: Random,
) -> Vec<(Case, AskAnswer)> {
    let mut answered = Vec::new();
    let mut kinds = (0..).map(|_| usize::try_from(random.next() % 4).unwrap());
    while !*stopped.borrow() {
        let case = stage.case(kinds.next().unwrap());
        let answer = ask_until_definite(&stage.clerk, &case, &stopped).await;
        case.check(&answer);
        answered.push((case, answer));
    }
    answered
}

async fn ask_until_definite(
    clerk: &Desk,
    case: &Case,
    stopped: &watch::Receiver<bool>,
) -> AskAnswer {
    let mut since_stop = None;
    loop {
        match clerk.ask(&case.asked).await {
            Ok(answer) => return answer,
            // Silence, or a problem that says "again, with the same id": nothing else may happen.
            Err(CallError::Unavailable) => {}
            Err(CallError::Failed(Some(problem))) if problem.status == 503 => {
                assert!(problem.next_step.contains("the same id"), "{problem:?}");
            }
            Err(other) => panic!("not definite, and no reason to ask again: {other:?}"),
        }
        if *stopped.borrow() {
            let since = since_stop.get_or_insert_with(Instant::now);
            assert!(since.elapsed() < DEFINITE_WAIT_MAX, "still not definite");
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// No answer without its one settling entry, at the index that the answer names.
async fn assert_all_on_record(stage: &Stage, answered: &[(Case, AskAnswer)]) {
    let mut settled: HashMap<_, Vec<IndexedEntry>> = HashMap::new();
    for one in history::entries(stage).await {
        if one.entry.outcome.settles() {
            settled.entry(one.entry.inquiry.0).or_default().push(one);
        }
    }
    assert!(answered.len() > 20, "only {} answers: this proves little", answered.len());
    for (case, answer) in answered {
        let entries = settled.get(&answer.inquiry.0).map(Vec::as_slice).unwrap_or_default();
        assert!(
            matches!(entries, [one] if case.is_told_by(one, answer)),
            "{answer:?} stands in the log as {entries:?}"
        );
    }
}

/// Also later the same id gives the same answer.
async fn assert_asked_again(stage: &Stage, answered: &[(Case, AskAnswer)]) {
    for (case, answer) in answered.iter().step_by(answered.len() / 20) {
        assert_eq!(stage.clerk.ask(&case.asked).await.unwrap(), *answer);
    }
}

/// Says the seed when its test fails.
struct Seed(u64);

impl Seed {
    fn new() -> Self {
        let (seed, _) = uuid::Uuid::new_v4().as_u64_pair();
        Self(seed)
    }
}

impl Drop for Seed {
    #[expect(clippy::print_stderr, reason = "a failed test says how to fail again")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the moments of the kills came from seed {}", self.0);
        }
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    async fn sleep(&mut self, min_ms: u64, max_ms: u64) {
        let ms = min_ms + self.next() % (max_ms - min_ms + 1);
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}
