//! Rooms of many municipalities in this process, without a listener, and people for each.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crypto::sha256;
use db::Db;
use domain::{
    Action, Actor, Clock, MunicipalityCode, OpContext, OperatorId, Permit, RequestId, Role,
    ServiceKind, TerminalId, authorize,
};
use imports::{approve, begin, open, read, read_problems, send};
use room::Host;
use service::{ApiError, Participants};
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::Base64Bytes;
use wire::imports::{
    ApproveImport, ImportState, OpenImport, PART_BYTES, Purpose, ReadProblems, SendPart, Stage,
};

use super::files::Planted;
use super::{Found, Went};
use crate::{Failure, Settings, schema};

const POLL: Duration = Duration::from_millis(20);
const STALE_S_MAX: i64 = 30;

pub(super) struct Hosted {
    host: Arc<Host>,
    pub(super) municipalities: Vec<MunicipalityCode>,
    background: std::sync::Mutex<JoinSet<()>>,
}

impl Hosted {
    pub(super) async fn start(
        settings: &Settings,
        municipalities: u32,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure> {
        let failed = |source| Failure::Database { service: "partition", source };
        schema::migrate(settings, ServiceKind::Partition).await?;
        let mut config = settings.partition()?.clone();
        let count = usize::try_from(municipalities.max(1)).unwrap_or(1);
        config.municipalities = codes(count);
        let db = Db::open(&config.database.service()?).await.map_err(failed)?;
        let participants = Participants::new(STALE_S_MAX);
        let opened = partition::open_host(db, &config, participants, Arc::clone(clock)).await;
        let (host, writers) =
            opened.map_err(|source| Failure::Start { service: "partition", source })?;
        let mut background = JoinSet::new();
        writers.into_iter().for_each(|writer| drop(background.spawn(writer.run())));
        background.spawn(imports::run(Arc::clone(&host)));
        let municipalities = config.municipalities;
        Ok(Self { host, municipalities, background: std::sync::Mutex::new(background) })
    }

    pub(super) fn stop(&self) {
        if let Ok(mut background) = self.background.lock() {
            background.abort_all();
        }
    }

    fn permit(&self, code: MunicipalityCode, act: Action, who: &str) -> Result<Permit, Failure> {
        let broken = || Failure::Claim("a made-up person may do that");
        let actor = Actor::Operator {
            id: OperatorId::parse(who).map_err(|_| broken())?,
            municipality: code,
            role: Role::Supervisor,
            terminal: TerminalId::parse("bench").map_err(|_| broken())?,
        };
        let context = OpContext::new(actor, RequestId::make_random(), self.host.clock.now());
        authorize(&context, act, code).map_err(|_| broken())
    }

    /// Brings one file into one register.
    pub(super) async fn import(
        &self,
        code: MunicipalityCode,
        (path, planted): (&Path, &Planted),
    ) -> Result<Went, Failure> {
        let file = std::fs::read(path).map_err(Failure::file(path))?;
        let import = Uuid::now_v7();
        let total_bytes = u64::try_from(file.len()).unwrap_or(u64::MAX);
        let digest = sha256(&file).iter().map(|byte| format!("{byte:02x}")).collect();
        let purpose = Purpose::Register;
        let request = OpenImport { import, purpose, total_bytes, sha256: digest, layout: None };
        let begun = Instant::now();
        let prepare = || self.permit(code, Action::PrepareImport, "first");
        open(&self.host, prepare()?, request).await.map_err(failed)?;
        for (part, bytes) in (0..).zip(file.chunks(PART_BYTES)) {
            let part = SendPart { import, part, bytes: Base64Bytes(bytes.to_vec()) };
            send(&self.host, prepare()?, part).await.map_err(failed)?;
        }
        drop(file);
        let mut state = begin(&self.host, prepare()?, import).await.map_err(failed)?;
        while state.stage == Stage::Checking {
            tokio::time::sleep(POLL).await;
            state = read(&self.host, prepare()?, import).await.map_err(failed)?;
        }
        let check = begun.elapsed();
        let counts = state.counts;
        let found = self.found(code, import, planted).await?;
        let ImportState { preview: Some(preview), .. } = state else {
            return Err(Failure::Claim("every file of a bench may be approved"));
        };
        let begun = Instant::now();
        let permit = self.permit(code, Action::ApproveImport, "second")?;
        approve(&self.host, permit, ApproveImport { import, preview }).await.map_err(failed)?;
        Ok(Went { rows: counts.rows, check, commit: begun.elapsed(), committed: counts.new, found })
    }

    /// Compares the lines that were held back with those that are wrong.
    async fn found(
        &self,
        code: MunicipalityCode,
        import: Uuid,
        planted: &Planted,
    ) -> Result<Found, Failure> {
        let (mut held, mut next) = (BTreeMap::new(), Some(0));
        while let Some(from) = next {
            let permit = self.permit(code, Action::PrepareImport, "first")?;
            let page = ReadProblems { import, from, limit: 1_000 };
            let page = read_problems(&self.host, permit, page).await.map_err(failed)?;
            next = page.next;
            for line in page.csv.lines() {
                let mut cells = line.split(',');
                let line = cells.next().and_then(|line| line.parse::<u64>().ok());
                held.extend(line.zip(cells.nth(1)).map(|(line, why)| (line, why.to_owned())));
            }
        }
        let mut found = Found::default();
        for (line, slip) in planted {
            let one = found.planted.entry(*slip).or_default();
            *one = (one.0 + 1, one.1 + u64::from(held.remove(line).is_some()));
        }
        held.into_values().for_each(|why| *found.right_held.entry(why).or_default() += 1);
        Ok(found)
    }
}

fn failed(error: ApiError) -> Failure {
    Failure::Log { fault: error.kind().title, next: error.kind().next_step }
}

/// Codes with their check digits, of places that may or may not exist.
fn codes(count: usize) -> Vec<MunicipalityCode> {
    let all =
        (1_000..480_000).filter_map(|code| MunicipalityCode::parse(&format!("{code:06}")).ok());
    all.take(count).collect()
}
