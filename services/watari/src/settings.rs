//! `watari.toml`: one section per service; a machine that runs only some has only their sections.
//!
//! Paths are relative to the file's folder.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use domain::ServiceKind;
use serde::Deserialize;
use service::config::{
    DatabaseConfig, ListenConfig, RegistryConfig, Secret, TelemetryConfig, beside,
};
use wire::tls::TlsFiles;

use crate::Failure;

/// `deploy/watari.example.toml` describes every field.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// Needed by every service but the registry itself.
    #[serde(default)]
    pub participants: Option<RegistryConfig>,
    #[serde(default)]
    pub registry: Option<registry::Config>,
    #[serde(default, rename = "provision-log")]
    pub provision_log: Option<provision_log::Config>,
    #[serde(default)]
    pub broker: Option<broker::Config>,
    #[serde(default)]
    pub intake: Option<intake::Config>,
    #[serde(default)]
    pub partition: Option<partition::Config>,
    /// Where the file is.
    #[serde(skip)]
    pub folder: PathBuf,
}

impl Settings {
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let path = std::path::absolute(path).map_err(Failure::file(path))?;
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let fault = "there is no such file; --config names another".to_owned();
                return Err(Failure::Settings { path, fault });
            }
            text => text.map_err(Failure::file(&path))?,
        };
        let folder = path.parent().unwrap_or(Path::new("/"));
        Self::parse(&text, folder).map_err(|fault| Failure::Settings { path: path.clone(), fault })
    }

    /// Reads a configuration file's text; the error names the line, never a value.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let mut settings: Self = toml::from_str(text).map_err(|error| fault(text, &error))?;
        settings.resolve(folder);
        Ok(settings)
    }

    pub fn participants(&self) -> Result<&RegistryConfig, Failure> {
        self.participants.as_ref().ok_or(Failure::NotConfigured("participants"))
    }

    pub fn registry(&self) -> Result<&registry::Config, Failure> {
        self.registry.as_ref().ok_or(Failure::NotConfigured("registry"))
    }

    pub fn provision_log(&self) -> Result<&provision_log::Config, Failure> {
        self.provision_log.as_ref().ok_or(Failure::NotConfigured("provision-log"))
    }

    pub fn broker(&self) -> Result<&broker::Config, Failure> {
        self.broker.as_ref().ok_or(Failure::NotConfigured("broker"))
    }

    pub fn intake(&self) -> Result<&intake::Config, Failure> {
        self.intake.as_ref().ok_or(Failure::NotConfigured("intake"))
    }

    pub fn partition(&self) -> Result<&partition::Config, Failure> {
        self.partition.as_ref().ok_or(Failure::NotConfigured("partition"))
    }

    /// The services that have a section, in the order of starting.
    pub fn configured(&self) -> Vec<ServiceKind> {
        let kinds = crate::services::IN_ORDER.into_iter();
        kinds.filter(|kind| self.listen(*kind).is_some()).collect()
    }

    pub fn listen(&self, kind: ServiceKind) -> Option<&ListenConfig> {
        self.common(kind).map(|(listen, ..)| listen)
    }

    pub fn tls(&self, kind: ServiceKind) -> Option<&TlsFiles> {
        self.common(kind).map(|(_, tls, _)| tls)
    }

    /// `None` also for the broker, which has no database.
    pub fn database(&self, kind: ServiceKind) -> Option<&DatabaseConfig> {
        self.common(kind).and_then(|(.., database)| database)
    }

    /// What every service's section has.
    fn common(
        &self,
        kind: ServiceKind,
    ) -> Option<(&ListenConfig, &TlsFiles, Option<&DatabaseConfig>)> {
        Some(match kind {
            ServiceKind::Registry => {
                let c = self.registry.as_ref()?;
                (&c.listen, &c.tls, Some(&c.database))
            }
            ServiceKind::ProvisionLog => {
                let c = self.provision_log.as_ref()?;
                (&c.listen, &c.tls, Some(&c.database))
            }
            ServiceKind::Broker => {
                let c = self.broker.as_ref()?;
                (&c.listen, &c.tls, None)
            }
            ServiceKind::Intake => {
                let c = self.intake.as_ref()?;
                (&c.listen, &c.tls, Some(&c.database))
            }
            ServiceKind::Partition => {
                let c = self.partition.as_ref()?;
                (&c.listen, &c.tls, Some(&c.database))
            }
        })
    }

    /// Gives every service this many threads.
    pub fn set_workers(&mut self, workers: usize) {
        for kind in ServiceKind::ALL {
            if let Some(listen) = self.listen_mut(kind) {
                listen.workers = workers;
            }
        }
    }

    pub(crate) fn listen_mut(&mut self, kind: ServiceKind) -> Option<&mut ListenConfig> {
        match kind {
            ServiceKind::Registry => self.registry.as_mut().map(|c| &mut c.listen),
            ServiceKind::ProvisionLog => self.provision_log.as_mut().map(|c| &mut c.listen),
            ServiceKind::Broker => self.broker.as_mut().map(|c| &mut c.listen),
            ServiceKind::Intake => self.intake.as_mut().map(|c| &mut c.listen),
            ServiceKind::Partition => self.partition.as_mut().map(|c| &mut c.listen),
        }
    }

    fn resolve(&mut self, folder: &Path) {
        let settle = |path: &mut PathBuf| *path = folder.join(&path);
        folder.clone_into(&mut self.folder);
        self.telemetry.log_file.as_mut().map(settle);
        self.registry = self.registry.take().map(|registry| registry.beside(folder));
        if let Some(registry) = &mut self.registry {
            settle_database(folder, &mut registry.database);
        }
        if let Some(log) = &mut self.provision_log {
            log.tls = beside(folder, &log.tls);
            settle_database(folder, &mut log.database);
            settle(&mut log.signing_key);
            settle(&mut log.head_file);
            log.overlapping_key.as_mut().map(settle);
        }
        if let Some(broker) = &mut self.broker {
            broker.tls = beside(folder, &broker.tls);
            settle(&mut broker.permit_key);
            broker.permission_list.as_mut().map(settle);
        }
        if let Some(intake) = &mut self.intake {
            intake.tls = beside(folder, &intake.tls);
            settle_database(folder, &mut intake.database);
        }
        if let Some(partition) = &mut self.partition {
            partition.tls = beside(folder, &partition.tls);
            settle_database(folder, &mut partition.database);
            settle(&mut partition.keys.key_encryption_key);
            settle(&mut partition.keys.folder);
            partition.permission_list.as_mut().map(settle);
            partition.disclosure_exemptions.as_mut().map(settle);
        }
    }
}

fn settle_database(folder: &Path, database: &mut DatabaseConfig) {
    settle_secret(folder, &mut database.url);
    if let Some(owner_url) = &mut database.owner_url {
        settle_secret(folder, owner_url);
    }
}

fn settle_secret(folder: &Path, secret: &mut Secret) {
    match secret {
        Secret::File { file } => *file = folder.join(&file),
        Secret::Value(url) => {
            if let Some(path) = url.strip_prefix("sqlite:") {
                *url = format!("sqlite:{}", folder.join(path).display());
            }
        }
    }
}

/// The parser's words may repeat a value, which may be a password; unknown names are safe to say.
fn fault(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let words = error.message();
    let about_names = ["unknown field", "missing field"].iter().any(|s| words.starts_with(s));
    let words = if about_names { words } else { "not readable, or of the wrong type" };
    format!("line {line}: {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_told_with_what_to_do() {
        let failure = Settings::load(Path::new("/nowhere/watari.toml")).unwrap_err();
        assert!(failure.chain().starts_with("/nowhere/watari.toml: there is no such file"));
        assert!(failure.next_step().unwrap().contains("watari setup"));
    }

    #[test]
    fn a_fault_names_the_line_and_repeats_no_value() {
        let text = "[participants]\nurl = \"https://a\"\ndirectory_key = 12345\n";
        let fault = Settings::parse(text, Path::new("/")).unwrap_err();
        assert_eq!(fault, "line 3: not readable, or of the wrong type");
        let fault = Settings::parse("[telemetry]\nlogs = \"info\"\n", Path::new("/")).unwrap_err();
        assert!(fault.starts_with("line 2: unknown field `logs`"), "{fault}");
    }
}
