//! Koriyama asks Chiyoda, whose room is on an instance of its own.

use domain::vaccination::Vaccination;
use domain::{Outcome, ServiceKind};
use tokio::sync::{Mutex, OnceCell};
use tokio::task::JoinSet;
use watari::Settings;
use watari::story::desk::Desk;
use watari::story::residents::Resident;
use wire::partition::{AskAnswer, AskOutcome, AskRequest, RegisterVaccination};
use wire::provision_log::IndexedEntry;
use wire::{CallError, Owner};

use super::database::Database;
use super::history;
use super::second::Second;
use crate::support::{Engine, RUNTIME, World, clock, dose, postgres_url, question};

/// Residents of Koriyama, by the demonstration's serial numbers; Chiyoda knows the first three.
const VACCINATED: [u32; 2] = [1, 2];
const WITHOUT_DOSES: u32 = 3;
const UNKNOWN: u32 = 2_001;

pub(super) struct Stage {
    pub(super) world: World,
    pub(super) second: Second,
    pub(super) clerk: std::sync::Arc<Desk>,
}

/// A question and the only answer it may ever get.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) asked: AskRequest,
    /// Empty: nothing.
    pub(super) doses: Vec<Vaccination>,
}

/// The same test on both engines at once, on stages that all tests share, one after the other:
/// whoever breaks something mends it.
pub(super) fn on_both<F: AsyncFn(&mut Stage)>(test: F) {
    RUNTIME
        .block_on(async { tokio::join!(on(Engine::Sqlite, &test), on(Engine::Postgres, &test)) });
}

pub(super) fn on_sqlite<F: AsyncFn(&mut Stage)>(test: F) {
    RUNTIME.block_on(on(Engine::Sqlite, &test));
}

async fn on<F: AsyncFn(&mut Stage)>(engine: Engine, test: &F) {
    static SQLITE: OnceCell<Mutex<Stage>> = OnceCell::const_new();
    static POSTGRES: OnceCell<Mutex<Stage>> = OnceCell::const_new();
    let cell = if engine == Engine::Sqlite { &SQLITE } else { &POSTGRES };
    let stage = cell.get_or_init(async || Mutex::new(Stage::start(engine).await)).await;
    test(&mut *stage.lock().await).await;
}

impl Stage {
    pub(super) async fn start(engine: Engine) -> Self {
        let owner_url = (engine == Engine::Postgres).then(postgres_url);
        Self::start_on(owner_url).await
    }

    /// The same on the PostgreSQL server that `owner_url` names; without one on SQLite.
    pub(super) async fn start_on(owner_url: Option<String>) -> Self {
        let world = World::start_on(owner_url.clone(), unlimited).await;
        let second = Second::start(&world, owner_url).await;
        let there = second.desk(&second.town.clerk).await;
        for serial in VACCINATED.into_iter().chain([WITHOUT_DOSES]) {
            let resident = Resident { serial, doses: Vec::new() };
            let subject = there.register_subject(&resident.to_request()).await.unwrap();
            for vaccination in doses(serial) {
                let dose = RegisterVaccination { subject, vaccination };
                there.register_vaccination(&dose).await.unwrap();
            }
        }
        let clerk = world.desk(&world.cast.koriyama.clerk).await.into();
        let stage = Self { world, second, clerk };
        for case in stage.cases() {
            stage.definite(&case).await;
        }
        stage
    }

    /// About one of the people whom Koriyama may ask about.
    pub(super) fn case(&self, kind: usize) -> Case {
        let [first, other] = VACCINATED;
        let serial = match kind % 4 {
            0 => first,
            1 => WITHOUT_DOSES,
            2 => other,
            _ => UNKNOWN,
        };
        Case { asked: question(serial, self.second.town.code), doses: doses(serial) }
    }

    /// One question of each kind: two that find doses, one no records, one no person.
    pub(super) fn cases(&self) -> Vec<Case> {
        (0..4).map(|kind| self.case(kind)).collect()
    }

    /// Asks all of them at the same time.
    pub(super) async fn ask_all(&self, cases: &[Case]) -> Vec<Result<AskAnswer, CallError>> {
        let mut asking = JoinSet::new();
        for (place, case) in cases.iter().cloned().enumerate() {
            let clerk = std::sync::Arc::clone(&self.clerk);
            asking.spawn(async move { (place, clerk.ask(&case.asked).await) });
        }
        let mut answers = asking.join_all().await;
        answers.sort_by_key(|(place, _)| *place);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    /// Every one of these questions meets the same outage; nothing is shown.
    pub(super) async fn assert_outage(&self, cases: &[Case], want: Outage) {
        for answer in self.ask_all(cases).await {
            want.assert(&answer);
        }
    }

    /// Asks with the same id until the answer is definite, and checks it.
    pub(super) async fn definite(&self, case: &Case) -> AskAnswer {
        let answer = self.clerk.ask_until_definite(&case.asked).await.unwrap();
        case.check(&answer);
        answer
    }

    /// After the fault: a retry is definite, stays the same and left one settling entry.
    pub(super) async fn assert_recovers(&self, cases: &[Case]) {
        for case in cases {
            let answer = self.definite(case).await;
            assert_eq!(self.clerk.ask(&case.asked).await.unwrap(), answer);
            let settled = self.settled(case).await;
            assert!(matches!(settled.as_slice(), [one] if case.is_told_by(one, &answer)));
        }
        history::assert_whole(self).await;
    }

    /// The entries that settle this inquiry.
    pub(super) async fn settled(&self, case: &Case) -> Vec<IndexedEntry> {
        let mut entries = history::entries(self).await;
        entries.retain(|one| one.entry.inquiry == case.asked.inquiry);
        entries.retain(|one| one.entry.outcome.settles());
        entries
    }

    /// How many entries, of any kind, speak of these inquiries.
    pub(super) async fn count_entries(&self, cases: &[Case]) -> usize {
        let entries = history::entries(self).await;
        let is_ours =
            |one: &&IndexedEntry| cases.iter().any(|case| case.asked.inquiry == one.entry.inquiry);
        entries.iter().filter(is_ours).count()
    }

    pub(super) async fn stop(&mut self, kind: ServiceKind) {
        self.world.house.stop_one(kind).await;
    }

    pub(super) async fn start_again(&mut self, kind: ServiceKind) {
        self.world.house.start_one(kind, &clock()).await.unwrap();
    }

    pub(super) fn log_database(&self) -> Database {
        Database::of(self.world.site.settings.database(ServiceKind::ProvisionLog).unwrap())
    }

    /// The asker's.
    pub(super) fn room_database(&self) -> Database {
        Database::of(self.world.site.settings.database(ServiceKind::Partition).unwrap())
    }

    pub(super) fn source_database(&self) -> Database {
        Database::of(self.second.house.settings.database(ServiceKind::Partition).unwrap())
    }
}

impl Case {
    pub(super) fn check(&self, answer: &AskAnswer) {
        assert_eq!(answer.inquiry, self.asked.inquiry);
        assert_eq!(answer.vaccinations, self.doses, "another answer than the only right one");
        assert_eq!(answer.outcome == AskOutcome::Nothing, self.doses.is_empty());
    }

    pub(super) fn is_told_by(&self, found: &IndexedEntry, answer: &AskAnswer) -> bool {
        let outcome = if self.doses.is_empty() { Outcome::Nothing } else { Outcome::Provided };
        found.entry.inquiry == self.asked.inquiry
            && found.entry.outcome == outcome
            && found.index == answer.log_index
    }
}

/// How the asker is told that there is no answer now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage {
    pub(super) codes: &'static [&'static str],
    pub(super) owner: Owner,
}

pub(super) const LOG: Outage = Outage { codes: &["log-unavailable"], owner: Owner::Platform };
pub(super) const SOURCE: Outage = Outage { codes: &["source-unavailable"], owner: Owner::Source };
pub(super) const ROOM: Outage =
    Outage { codes: &["unavailable", "unknown-outcome"], owner: Owner::Platform };

impl Outage {
    pub(super) fn assert(self, answer: &Result<AskAnswer, CallError>) {
        let Err(CallError::Failed(Some(problem))) = answer else {
            panic!("{self:?} expected: {answer:?}");
        };
        assert!(self.codes.contains(&problem.code.as_str()), "{self:?}: {problem:?}");
        assert_eq!((problem.status, problem.owner), (503, self.owner), "{problem:?}");
        assert!(problem.next_step.contains("the same id"), "{problem:?}");
    }
}

/// What Chiyoda recorded.
fn doses(serial: u32) -> Vec<Vaccination> {
    if VACCINATED.contains(&serial) { vec![dose(1), dose(2)] } else { Vec::new() }
}

/// One clerk asks here as often as a whole city would, and misses as often.
fn unlimited(settings: &mut Settings) {
    let limits = &mut settings.broker.as_mut().unwrap().limits;
    (limits.requests_per_s_max, limits.mismatches_block_at) = (0, 0);
}
