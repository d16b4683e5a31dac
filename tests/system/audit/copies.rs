//! Copies of a stopped log's database, each for one test to break.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use audit::{Evidence, Extent, Kind, Report, Trust};
use db::{DbUrl, Tx};
use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel::pg::PgConnection;
use provision_log::offline::Database;
use tempfile::TempDir;
use uuid::Uuid;

use super::rows;
use crate::support::postgres_url;

/// A database of the log with nobody in it.
pub(super) struct Copy {
    /// As a superuser reaches it.
    pub(super) url: String,
    _folder: Option<TempDir>,
}

/// What is found, and where; a checkpoint stands for itself.
pub(super) type Found = BTreeSet<(Kind, u64, u64)>;

impl Copy {
    /// Copies the database that an owner reaches at `url`; nobody may be connected to it.
    pub(super) fn of(url: &str) -> Self {
        Self::with(url, "")
    }

    /// The same file by file, so that nothing of the copy is in the server's memory.
    pub(super) fn of_files(url: &str) -> Self {
        Self::with(url, "STRATEGY FILE_COPY")
    }

    fn with(url: &str, strategy: &str) -> Self {
        match url.strip_prefix("sqlite:") {
            Some(path) => {
                let folder = tempfile::tempdir().unwrap();
                let file = folder.path().join("copy.db");
                copy_file(Path::new(path), &file);
                Self { url: format!("sqlite:{}", file.display()), _folder: Some(folder) }
            }
            None => {
                let name = format!("t_copy_{}", Uuid::new_v4().simple());
                let (server, template) = url.rsplit_once('/').unwrap();
                on_server(&format!("CREATE DATABASE {name} TEMPLATE {template} {strategy}"));
                Self { url: format!("{server}/{name}"), _folder: None }
            }
        }
    }

    pub(super) fn attack(&self) -> Tx {
        rows::attack(&self.url)
    }

    pub(super) fn source(&self) -> Database {
        Database::open(&DbUrl::parse(&self.url).unwrap()).unwrap()
    }

    pub(super) fn verify(&self, trust: &Trust, evidence: Evidence<'_>) -> Report {
        verify(&mut self.source(), trust, evidence)
    }

    /// Writes an export and tells where.
    pub(super) fn export(&self, folder: &TempDir) -> PathBuf {
        let path = folder.path().join(Uuid::new_v4().simple().to_string());
        audit::write_export(&mut self.source(), &path).unwrap();
        path
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        if !self.url.starts_with("sqlite:")
            && let Some((_, name)) = self.url.rsplit_once('/')
        {
            on_server(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

pub(super) fn verify(
    source: &mut dyn audit::Source,
    trust: &Trust,
    evidence: Evidence<'_>,
) -> Report {
    audit::verify(source, trust, evidence, &Extent { since: None, thorough: true })
}

/// A database file with what its write-ahead log still holds.
pub(super) fn copy_file(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    for end in ["-wal", "-shm"] {
        let beside = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        let _ = fs::remove_file(beside(to));
        if beside(from).exists() {
            fs::copy(beside(from), beside(to)).unwrap();
        }
    }
}

pub(super) fn on_server(sql: &str) {
    PgConnection::establish(&postgres_url()).unwrap().batch_execute(sql).unwrap();
}

/// Makes neighbours one finding, so that it does not matter how somebody divides them.
pub(super) fn joined(findings: impl IntoIterator<Item = (Kind, u64, u64)>) -> Found {
    let all: Found = findings.into_iter().collect();
    let mut joined: Vec<(Kind, u64, u64)> = Vec::new();
    for (kind, from, to) in all {
        // Of these the range itself is the message; an empty one is a checkpoint.
        let is_whole = matches!(kind, Kind::Rewritten | Kind::SplitView | Kind::RolledBack);
        match joined.last_mut() {
            Some((last, begin, end))
                if *last == kind && !is_whole && from <= *end && *begin < *end && from < to =>
            {
                *end = to.max(*end);
            }
            _ => joined.push((kind, from, to)),
        }
    }
    joined.into_iter().collect()
}

pub(super) fn found(report: &Report) -> Found {
    assert_eq!(report.sound, report.findings.is_empty());
    assert_eq!(report.findings_omitted, 0);
    joined(report.findings.iter().map(|one| (one.kind, one.from_index, one.to_index)))
}
