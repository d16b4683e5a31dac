//! Looks at everything an installation needs and says, for each thing that is not well, what to do.

mod certificates;
mod files;
mod health;
mod keys;
mod log;

use std::fmt;
use std::path::Path;

use domain::{Clock, ServiceKind};

use crate::Settings;

/// One thing that was looked at.
#[derive(Debug)]
pub(crate) struct Finding {
    whose: &'static str,
    what: &'static str,
    state: Result<String, Trouble>,
}

/// What is wrong, and the next step.
#[derive(Debug)]
pub(crate) struct Trouble {
    fault: String,
    next: String,
}

impl Trouble {
    fn new(fault: impl fmt::Display, next: impl Into<String>) -> Self {
        Self { fault: fault.to_string(), next: next.into() }
    }
}

impl Finding {
    pub(crate) fn is_sick(&self) -> bool {
        self.state.is_err()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { whose, what, state } = self;
        match state {
            Ok(state) => write!(f, "ok      {whose:<15}{what:<17}{state}"),
            Err(Trouble { fault, next }) => {
                write!(f, "NOT OK  {whose:<15}{what:<17}{fault}\n{:40}→ {next}", "")
            }
        }
    }
}

/// Looks at every configured service, from its files to its answer over mutual TLS.
pub(crate) async fn examine(settings: &Settings, config: &Path, clock: &dyn Clock) -> Vec<Finding> {
    let now_unix_s = clock.now().unix_timestamp();
    let mut findings = vec![files::configuration(config)];
    for kind in settings.configured() {
        let whose = kind.as_str();
        let finding = |what, state| Finding { whose, what, state };
        if let Some(tls) = settings.tls(kind) {
            findings.push(finding("certificate", certificates::certificate(tls, kind, now_unix_s)));
            findings.push(finding("revocation list", certificates::list(tls, now_unix_s)));
        }
        findings.push(finding("keys", keys::keys(settings, kind)));
        if kind != ServiceKind::Broker {
            findings.push(finding("database", health::database(settings, kind).await));
        }
        findings.push(finding("service", health::service(settings, kind).await));
        if kind == ServiceKind::ProvisionLog {
            findings.push(finding("head file", log::head_file(settings)));
            findings.push(finding("witnesses", log::witnesses(settings).await));
        }
    }
    findings
}
