use db::{Db, DbError, TxError};
use domain::{Actor, Clock, OpContext, OperatorId, RequestId, Role, ServiceKind, TerminalId};
use ledger::Tree;
use service::config::ConfigError;
use wire::WirePassword;

use crate::access::Access;
use crate::access_log::{LogError, append};
use crate::passwords::{self, Passwords};
use crate::store::{self, NewOperator, NewTerminal};
use crate::{Config, Limits, MIGRATIONS};

/// The first person of national operations and the terminal this person sits at.
#[derive(Clone, Debug)]
pub struct FirstOperator {
    pub operator: OperatorId,
    pub password: WirePassword,
    pub terminal: TerminalId,
    /// SHA-256 of the terminal's certificate.
    pub thumbprint: [u8; 32],
}

#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    #[error("somebody is registered already; go on through the registry's API")]
    NotFirst,
    #[error("a password has 12 to 128 characters")]
    Password,
    #[error("the password could not be hashed")]
    Hash,
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Database(#[from] DbError),
    #[error("the access log is not the one that was written; nothing was registered")]
    AccessLog,
}

impl TxError for BootstrapError {
    fn db_error(&self) -> Option<&DbError> {
        match self {
            Self::Database(error) => Some(error),
            _ => None,
        }
    }
}

impl From<LogError> for BootstrapError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Db(error) => Self::Database(error),
            LogError::Damaged => Self::AccessLog,
        }
    }
}

/// Registers the first operator of a new registry; everybody else comes through the API.
pub async fn bootstrap(
    config: &Config,
    first: FirstOperator,
    clock: &dyn Clock,
) -> Result<(), BootstrapError> {
    let db = Db::open(&config.database.service()?).await?;
    db.require_schema(&MIGRATIONS).await?;
    bootstrap_in(&db, first, clock).await
}

/// The same in an open database.
pub async fn bootstrap_in(
    db: &Db,
    first: FirstOperator,
    clock: &dyn Clock,
) -> Result<(), BootstrapError> {
    let FirstOperator { operator, password, terminal, thumbprint } = first;
    if !passwords::is_acceptable(&password) {
        return Err(BootstrapError::Password);
    }
    let passwords = Passwords::new(&Limits::default()).map_err(|_| BootstrapError::Hash)?;
    let password_hash = passwords.hash(password).await.map_err(|_| BootstrapError::Hash)?;
    let at = clock.now();
    let actor = Actor::Service { kind: ServiceKind::Registry, instance: "setup".to_owned() };
    let context = OpContext::new(actor, RequestId::make_random(), at);
    let access = |action| Access::of(&context, action).with("done");
    let lines = [
        access("RegisterOperator").to(&operator).concerning(store::place(None)),
        access("RegisterTerminal").at_terminal(None, &terminal),
    ];
    let operator =
        NewOperator { id: operator, municipality: None, role: Role::National, password_hash };
    let terminal =
        NewTerminal { municipality: None, id: terminal, thumbprint: thumbprint.to_vec() };
    db.transaction("registry.bootstrap", move |tx| {
        store::registry_lock(tx)?;
        if store::operator_any(tx)? {
            return Err(BootstrapError::NotFirst);
        }
        store::operator_insert(tx, &operator, at)?;
        store::terminal_insert(tx, &terminal, at)?;
        append(tx, &Tree::new(), lines.to_vec()).map(drop)?;
        Ok(())
    })
    .await
}
