use diesel::connection::{AnsiTransactionManager, SimpleConnection as _, TransactionManager as _};

use crate::tx::{Access, Begin};
use crate::{DbError, DbUrl, Tx};

/// One connection that reads one unchanging state for as long as it lives, and goes on after a
/// statement that failed: for whoever judges a database that may be damaged.
///
/// On SQLite the file is not written to, not even to tidy up after its service.
#[derive(Debug)]
pub struct Reader {
    tx: Tx,
    /// A statement has failed, so others may: each gets a savepoint from now on.
    is_careful: bool,
}

impl Reader {
    /// Blocks; not for async code.
    pub fn open(url: &DbUrl) -> Result<Self, DbError> {
        let mut tx = url.connect_reader()?;
        tx.begin(Begin { access: Access::Read, room: None })?;
        Ok(Self { tx, is_careful: false })
    }

    /// Asks something; `None` if it could not be answered.
    ///
    /// On PostgreSQL the first failure ends the state that was read so far and begins another.
    pub fn ask<T, E>(&mut self, question: impl FnOnce(&mut Tx) -> Result<T, E>) -> Option<T> {
        let is_careful = self.is_careful;
        if let Tx::Postgres(c) = &mut self.tx
            && is_careful
        {
            c.batch_execute("SAVEPOINT question").ok()?;
        }
        let answer = question(&mut self.tx).ok();
        if let Tx::Postgres(c) = &mut self.tx {
            match (is_careful, answer.is_some()) {
                (false, true) => {}
                (true, true) => c.batch_execute("RELEASE SAVEPOINT question").ok()?,
                (true, false) => c.batch_execute("ROLLBACK TO SAVEPOINT question").ok()?,
                (false, false) => {
                    self.is_careful = true;
                    AnsiTransactionManager::rollback_transaction(c).ok()?;
                    self.tx.begin(Begin { access: Access::Read, room: None }).ok()?;
                }
            }
        }
        answer
    }
}
