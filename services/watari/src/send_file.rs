//! Sends a file to a room, has it checked, and lets a second person approve it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crypto::Sha256Stream;
use domain::{OperatorId, RequestId, ServiceKind};
use screen::Screen;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use wire::imports::{self as api, ImportState, NameImport, Purpose, Stage};
use wire::registry::{LOG_IN, LogInAnswer, LogInRequest};
use wire::{Base64Bytes, CallError, Client, WirePassword};

use crate::Failure;
use crate::story::site::Site;

const POLL: Duration = Duration::from_millis(200);

/// Somebody who may send files: a machine by its certificate, a person by a password too.
#[derive(Debug)]
pub struct Sender {
    room: Client,
    token: Option<String>,
}

impl Sender {
    pub async fn log_in(
        site: &Site,
        certificate: &str,
        person: Option<(&OperatorId, WirePassword)>,
    ) -> Result<Self, Failure> {
        let room = site.client(certificate, ServiceKind::Partition)?;
        let Some((operator, password)) = person else { return Ok(Self { room, token: None }) };
        let registry = site.client(certificate, ServiceKind::Registry)?;
        let request = LogInRequest { user_id: operator.to_string(), password };
        let session =
            registry.post::<LogInAnswer>(LOG_IN, &RequestId::make_random(), None, &request).await;
        let token = session.map_err(Failure::call("log-in"))?.token;
        Ok(Self { room, token: Some(token) })
    }

    async fn post<A: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<A, CallError> {
        self.room.post(path, &RequestId::make_random(), self.token.as_deref(), body).await
    }

    /// Sends what is not there yet, has the file checked, and waits for the preview.
    pub async fn prepare(
        &self,
        path: &Path,
        purpose: Purpose,
        screen: Screen,
    ) -> Result<ImportState, Failure> {
        let Digest { sha256, rows } = digest(path)?;
        let stages = [Stage::Uploading, Stage::Uploaded, Stage::Checking, Stage::Checked];
        let known = self.find(&sha256, |one| one.purpose == purpose && stages.contains(&one.stage));
        let mut import = Uuid::new_v4();
        match known.await? {
            // Somebody may be about to approve exactly this.
            Some(known) if known.preview.is_some() => return Ok(known),
            Some(known) => import = known.import,
            None => {}
        }
        let total_bytes = std::fs::metadata(path).map_err(Failure::file(path))?.len();
        let mut open = api::OpenImport { import, purpose, total_bytes, sha256, layout: None };
        let mut announced = self.post::<ImportState>(api::IMPORTS, &open).await;
        if announced.as_ref().is_err_and(is_of_others) {
            open.import = Uuid::new_v4();
            announced = self.post(api::IMPORTS, &open).await;
        }
        let mut state = announced.map_err(Failure::call("announcing the file"))?;
        let import = state.import;
        let parts = total_bytes.div_ceil(u64::try_from(api::PART_BYTES).unwrap_or(u64::MAX));
        let mut work = screen.begin("sending the file, in parts", Some(parts));
        let mut file = File::open(path).map_err(Failure::file(path))?;
        for part in 0.. {
            let mut bytes = Vec::new();
            let most = u64::try_from(api::PART_BYTES).unwrap_or(u64::MAX);
            let read = Read::by_ref(&mut file).take(most).read_to_end(&mut bytes);
            if read.map_err(Failure::file(path))? == 0 {
                break;
            }
            if state.next_part.is_some_and(|next| next <= part) {
                let part = api::SendPart { import, part, bytes: Base64Bytes(bytes) };
                let sent = self.post(api::IMPORTS_PARTS, &part).await;
                state = sent.map_err(Failure::call("sending the file"))?;
            }
            work.step();
        }
        work.done("file sent");
        match state.stage {
            Stage::Refused => Ok(state),
            _ => self.check((import, rows), screen).await,
        }
    }

    async fn check(
        &self,
        (import, rows): (Uuid, u64),
        screen: Screen,
    ) -> Result<ImportState, Failure> {
        let named = NameImport { import };
        let begun = self.post(api::IMPORTS_CHECK, &named).await;
        let mut state: ImportState = begun.map_err(Failure::call("having the file checked"))?;
        let mut work = screen.begin("checking the file, in rows", Some(rows));
        while state.stage == Stage::Checking {
            tokio::time::sleep(POLL).await;
            let read = self.post(api::IMPORTS_READ, &named).await;
            state = read.map_err(Failure::call("reading how the check stands"))?;
            work.reach(state.counts.rows);
        }
        work.done(&format!("{} rows checked", state.counts.rows));
        Ok(state)
    }

    /// Lets exactly what the preview stands for into the register; again changes nothing.
    pub async fn approve(&self, path: &Path, preview: &str) -> Result<ImportState, Failure> {
        let sha256 = digest(path)?.sha256;
        let is_this = |one: &ImportState| one.preview.as_deref() == Some(preview);
        let mut found = self.find(&sha256, is_this).await?;
        if found.is_none() {
            // Checked anew meanwhile: the room says so.
            found = self.find(&sha256, |one| one.stage == Stage::Checked).await?;
        }
        let import = found.ok_or(NOT_CHECKED)?.import;
        let approval = api::ApproveImport { import, preview: preview.to_owned() };
        let approved = self.post(api::IMPORTS_APPROVE, &approval).await;
        approved.map_err(Failure::call("approving the file"))
    }

    /// The newest of the room's files with these bytes that is as wanted.
    async fn find(
        &self,
        sha256: &str,
        is_wanted: impl Fn(&ImportState) -> bool,
    ) -> Result<Option<ImportState>, Failure> {
        let listed = self.post(api::IMPORTS_LIST, &api::ListImports {}).await;
        let listed: api::Imports = listed.map_err(Failure::call("listing the room's files"))?;
        let is_this = |one: &ImportState| one.sha256 == sha256 && is_wanted(one);
        Ok(listed.imports.into_iter().find(is_this))
    }

    /// Everything that was found in a file, as one table.
    pub async fn problems(&self, import: Uuid) -> Result<String, Failure> {
        let (mut csv, mut from) = (String::new(), 0);
        loop {
            let read = api::ReadProblems { import, from, limit: 1_000 };
            let page = self.post(api::IMPORTS_PROBLEMS, &read).await;
            let page: api::Problems = page.map_err(Failure::call("reading the problems"))?;
            csv.push_str(&page.csv);
            match page.next {
                Some(next) => from = next,
                None => return Ok(csv),
            }
        }
    }
}

const NOT_CHECKED: Failure = Failure::Log {
    fault: "no checked file with these bytes waits for approval",
    next: "let somebody else send it first; the command then prints what to approve",
};

/// Somebody else is sending the same file under this id.
fn is_of_others(error: &CallError) -> bool {
    error.problem().is_some_and(|problem| problem.code == "import-reused")
}

struct Digest {
    sha256: String,
    /// Lines after the header, as far as lines are rows.
    rows: u64,
}

fn digest(path: &Path) -> Result<Digest, Failure> {
    let mut file = File::open(path).map_err(Failure::file(path))?;
    let (mut digest, mut bytes) = (Sha256Stream::default(), vec![0; api::PART_BYTES]);
    let mut ends = 0;
    loop {
        let read = file.read(&mut bytes).map_err(Failure::file(path))?;
        let read = bytes.get(..read).unwrap_or_default();
        if read.is_empty() {
            let sha256 = digest.finish().iter().map(|byte| format!("{byte:02x}")).collect();
            return Ok(Digest { sha256, rows: u64::saturating_sub(ends, 1) });
        }
        digest.update(read);
        ends += read.iter().filter(|byte| **byte == b'\n').map(|_| 1).sum::<u64>();
    }
}
