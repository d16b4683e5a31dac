use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error as DieselError};

/// Why the database could not be asked, or did not do what it was asked.
///
/// `None` means no; an error means we do not know.  No variant carries a value from a row or a
/// statement, nor the URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    #[error("a database URL is sqlite:PATH or postgres://…")]
    UnknownEngine,
    #[error("the database file can't be created or opened; its folder must exist and be writable")]
    FileUnusable,
    #[error("the database is not reachable, or all its connections are busy; try again")]
    Unavailable,
    #[error("the schema is not up to date; run `watari migrate`")]
    SchemaOutdated,
    #[error("the role may skip row-level security; connect as a role made by `watari migrate`")]
    RoleUnfenced,
    #[error("synchronous_commit is off: a commit would not be on disk; set it to on")]
    NotDurable,
    #[error("a role name is a lower-case letter, then lower-case letters, digits or `_`")]
    InvalidRole,
    #[error("a database name is lower-case letters, digits and `_`")]
    InvalidName,
    /// `name` is the folder of the migration, `None` while the list of migrations is read.
    #[error("the migration {name:?} could not be run: {fault}")]
    Migration { name: Option<String>, fault: Fault },
    /// The transaction may have happened or not; repeating it with the same id finds out.
    #[error("it is not known whether the transaction was kept ({0}); retry with the same id")]
    CommitUnknown(Fault),
    /// A statement had failed, `work` went on and said `Ok` all the same; PostgreSQL keeps nothing
    /// of such a transaction.  To go on after a failure, put the statement in a savepoint:
    /// `tx.transaction(|tx| …)`.
    #[error("a statement had failed, so nothing of the transaction was kept")]
    RolledBack,
    #[error("the database refused a statement: {0}")]
    Query(Fault),
}

impl DbError {
    /// Says whether a row with the same key is already there.
    pub fn is_unique_violation(&self) -> bool {
        self.has_kind(FaultKind::UniqueViolation)
    }

    /// Says whether another transaction got in the way; nothing was kept, trying again may succeed.
    pub fn is_conflict(&self) -> bool {
        self.has_kind(FaultKind::Conflict)
    }

    /// Says whether nothing was kept for a reason that passes: trying again later may succeed.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Unavailable => true,
            Self::Query(fault) => matches!(
                fault.kind,
                FaultKind::Conflict
                    | FaultKind::Timeout
                    | FaultKind::ConnectionLost
                    | FaultKind::Storage
            ),
            _ => false,
        }
    }

    fn has_kind(&self, kind: FaultKind) -> bool {
        matches!(self, Self::Query(fault) if fault.kind == kind)
    }
}

/// The engine's own text ends here: its messages and details may repeat a row's values.
impl From<DieselError> for DbError {
    fn from(error: DieselError) -> Self {
        Self::Query(Fault::from(&error))
    }
}

/// An error a transaction may end with.
pub trait TxError: From<DbError> + Send + 'static {
    /// The database's part in it, if it has one; a conflict means "try again".
    fn db_error(&self) -> Option<&DbError>;
}

impl TxError for DbError {
    fn db_error(&self) -> Option<&DbError> {
        Some(self)
    }
}

/// What the engine refused, without the engine's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}{}", named(self.name.as_deref()))]
pub struct Fault {
    pub kind: FaultKind,
    /// The constraint, or the column, as the schema calls it: never a value.
    pub name: Option<Box<str>>,
}

fn named(name: Option<&str>) -> String {
    name.map(|name| format!(" on {name}")).unwrap_or_default()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    #[error("unique violation")]
    UniqueViolation,
    #[error("foreign key violation")]
    ForeignKeyViolation,
    #[error("not-null violation")]
    NotNullViolation,
    #[error("check violation")]
    CheckViolation,
    #[error("exclusion violation")]
    ExclusionViolation,
    #[error("another transaction is in the way")]
    Conflict,
    #[error("it took too long")]
    Timeout,
    #[error("the connection was lost")]
    ConnectionLost,
    #[error("storage is full or damaged")]
    Storage,
    #[error("a write in a read-only transaction")]
    ReadOnly,
    #[error("the role lacks the right")]
    AccessDenied,
    #[error("the schema lacks a table or column")]
    SchemaMismatch,
    #[error("an earlier statement of the transaction had failed")]
    Aborted,
    #[error("no such row")]
    NotFound,
    #[error("a value does not fit its type")]
    Conversion,
    #[error("another reason")]
    Other,
}

impl Fault {
    pub(crate) fn of(kind: FaultKind) -> Self {
        Self { kind, name: None }
    }

    /// Diesel hides what it wraps here; only the words "Failed to run … with:" are certain.
    pub(crate) fn of_migration(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Self {
        if let Some(error) = cause.downcast_ref::<DieselError>() {
            return Self::from(error);
        }
        let text = cause.to_string();
        Self::of(message_kind(text.split_once(" with: ").map_or("", |(_, message)| message)))
    }
}

impl From<&DieselError> for Fault {
    fn from(error: &DieselError) -> Self {
        let kind = match error {
            DieselError::DatabaseError(kind, information) => {
                return Self {
                    kind: database_kind(kind, information.message()),
                    name: schema_name(information.as_ref()).map(Box::from),
                };
            }
            DieselError::RollbackErrorOnCommit { commit_error, .. } => {
                return Self::from(commit_error.as_ref());
            }
            DieselError::NotFound => FaultKind::NotFound,
            DieselError::BrokenTransactionManager => FaultKind::ConnectionLost,
            DieselError::InvalidCString(_)
            | DieselError::QueryBuilderError(_)
            | DieselError::DeserializationError(_)
            | DieselError::SerializationError(_)
            | DieselError::IntegerConversion(_) => FaultKind::Conversion,
            _ => FaultKind::Other,
        };
        Self::of(kind)
    }
}

fn database_kind(kind: &DatabaseErrorKind, message: &str) -> FaultKind {
    match kind {
        DatabaseErrorKind::UniqueViolation => FaultKind::UniqueViolation,
        DatabaseErrorKind::ForeignKeyViolation | DatabaseErrorKind::RestrictViolation => {
            FaultKind::ForeignKeyViolation
        }
        DatabaseErrorKind::NotNullViolation => FaultKind::NotNullViolation,
        DatabaseErrorKind::CheckViolation => FaultKind::CheckViolation,
        DatabaseErrorKind::ExclusionViolation => FaultKind::ExclusionViolation,
        DatabaseErrorKind::SerializationFailure => FaultKind::Conflict,
        DatabaseErrorKind::ReadOnlyTransaction => FaultKind::ReadOnly,
        DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand => {
            FaultKind::ConnectionLost
        }
        _ => message_kind(message),
    }
}

/// Diesel hands on no SQLSTATE, so what it calls "unknown" is told apart by the message's first
/// words.  PostgreSQL must speak English for that; [`Db::open`](crate::Db::open) warns otherwise.
fn message_kind(message: &str) -> FaultKind {
    const STARTS: [(&str, FaultKind); 17] = [
        ("deadlock detected", FaultKind::Conflict),
        ("database is locked", FaultKind::Conflict),
        ("database table is locked", FaultKind::Conflict),
        ("database schema is locked", FaultKind::Conflict),
        ("canceling statement due to", FaultKind::Timeout),
        ("terminating connection", FaultKind::ConnectionLost),
        ("database or disk is full", FaultKind::Storage),
        ("could not extend file", FaultKind::Storage),
        ("disk I/O error", FaultKind::Storage),
        ("database disk image is malformed", FaultKind::Storage),
        ("attempt to write a readonly database", FaultKind::ReadOnly),
        ("permission denied", FaultKind::AccessDenied),
        ("must be owner of", FaultKind::AccessDenied),
        ("new row violates row-level security policy", FaultKind::AccessDenied),
        ("current transaction is aborted", FaultKind::Aborted),
        ("no such table", FaultKind::SchemaMismatch),
        ("no such column", FaultKind::SchemaMismatch),
    ];
    let found = STARTS.iter().find(|(start, _)| message.starts_with(start));
    match found {
        Some((_, kind)) => *kind,
        None if message.starts_with("relation ") && message.ends_with(" does not exist") => {
            FaultKind::SchemaMismatch
        }
        None if message.starts_with("column ") && message.ends_with(" does not exist") => {
            FaultKind::SchemaMismatch
        }
        None => FaultKind::Other,
    }
}

/// PostgreSQL names the constraint in a field of its own; SQLite names it, or the columns of the
/// key, at the end of a message that holds nothing else.
fn schema_name(information: &(dyn DatabaseErrorInformation + Send + Sync)) -> Option<&str> {
    information.constraint_name().or_else(|| information.column_name()).or_else(|| {
        let (constraint, name) = information.message().split_once(" constraint failed: ")?;
        matches!(constraint, "UNIQUE" | "NOT NULL" | "CHECK").then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(kind: DatabaseErrorKind, message: &str) -> DbError {
        DieselError::DatabaseError(kind, Box::new(message.to_owned())).into()
    }

    #[test]
    fn the_engines_words_are_told_apart_and_then_forgotten() {
        for (message, kind) in [
            ("deadlock detected", FaultKind::Conflict),
            ("database is locked", FaultKind::Conflict),
            ("canceling statement due to lock timeout", FaultKind::Timeout),
            ("permission denied for table secret", FaultKind::AccessDenied),
            ("relation \"t\" does not exist", FaultKind::SchemaMismatch),
            ("invalid input syntax for type integer: \"999912345678\"", FaultKind::Other),
        ] {
            let error = fault(DatabaseErrorKind::Unknown, message);
            assert_eq!(error, DbError::Query(Fault::of(kind)), "{message}");
        }
    }

    #[test]
    fn a_message_that_holds_values_is_no_name() {
        let message = "duplicate key (999912345678) constraint failed: 999912345678";
        let error = fault(DatabaseErrorKind::UniqueViolation, message);
        assert!(error.is_unique_violation());
        assert!(!format!("{error} {error:?}").contains("9999"));
    }

    #[test]
    fn only_what_may_pass_is_unavailable() {
        assert!(DbError::Unavailable.is_unavailable());
        assert!(fault(DatabaseErrorKind::ClosedConnection, "").is_unavailable());
        assert!(fault(DatabaseErrorKind::SerializationFailure, "").is_conflict());
        assert!(!fault(DatabaseErrorKind::UniqueViolation, "").is_unavailable());
        assert!(!DbError::CommitUnknown(Fault::of(FaultKind::Conflict)).is_conflict());
        assert!(!DbError::CommitUnknown(Fault::of(FaultKind::ConnectionLost)).is_unavailable());
    }
}
