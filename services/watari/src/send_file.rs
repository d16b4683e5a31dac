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
        let sha256 = digest(path)?;
        let known =
            self.find(&sha256, &[Stage::Uploading, Stage::Uploaded, Stage::Checking]).await?;
        let known = known.filter(|known| known.purpose == purpose);
        let import = known.map_or_else(Uuid::new_v4, |known| known.import);
        let total_bytes = std::fs::metadata(path).map_err(Failure::file(path))?.len();
        let open = api::OpenImport { import, purpose, total_bytes, sha256, layout: None };
        let announced = self.post(api::IMPORTS, &open).await;
        let mut state: ImportState = announced.map_err(Failure::call("announcing the file"))?;
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
        if state.stage == Stage::Refused { Ok(state) } else { self.check(import, screen).await }
    }

    async fn check(&self, import: Uuid, screen: Screen) -> Result<ImportState, Failure> {
        let named = NameImport { import };
        let begun = self.post(api::IMPORTS_CHECK, &named).await;
        let mut state: ImportState = begun.map_err(Failure::call("having the file checked"))?;
        let mut work = screen.begin("checking the file, in bytes", Some(state.total_bytes));
        while state.stage == Stage::Checking {
            tokio::time::sleep(POLL).await;
            let read = self.post(api::IMPORTS_READ, &named).await;
            state = read.map_err(Failure::call("reading how the check stands"))?;
            work.reach(state.checked_bytes);
        }
        work.done(&format!("{} rows checked", state.counts.rows));
        Ok(state)
    }

    /// Approves the newest checked file with these bytes.
    pub async fn approve(&self, path: &Path) -> Result<ImportState, Failure> {
        let checked = self.find(&digest(path)?, &[Stage::Checked]).await?;
        let checked = checked.ok_or(Failure::Claim("the file was sent and checked before"))?;
        let preview = checked.preview.unwrap_or_default();
        let approval = api::ApproveImport { import: checked.import, preview };
        let approved = self.post(api::IMPORTS_APPROVE, &approval).await;
        approved.map_err(Failure::call("approving the file"))
    }

    async fn find(&self, sha256: &str, stages: &[Stage]) -> Result<Option<ImportState>, Failure> {
        let listed = self.post(api::IMPORTS_LIST, &api::ListImports {}).await;
        let listed: api::Imports = listed.map_err(Failure::call("listing the room's files"))?;
        let is_this = |one: &ImportState| one.sha256 == sha256 && stages.contains(&one.stage);
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

fn digest(path: &Path) -> Result<String, Failure> {
    let mut file = File::open(path).map_err(Failure::file(path))?;
    let (mut digest, mut bytes) = (Sha256Stream::default(), vec![0; api::PART_BYTES]);
    loop {
        let read = file.read(&mut bytes).map_err(Failure::file(path))?;
        if read == 0 {
            return Ok(digest.finish().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        digest.update(bytes.get(..read).unwrap_or_default());
    }
}
