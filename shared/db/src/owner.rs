use crate::tx::{Access, Begin};
use crate::{DbError, DbUrl, Tx, TxError, run_blocking};

/// Runs `work` as the owner of the tables, for what no service may do to them.
///
/// No transaction is open: `work` begins its own with [`owner_transaction`], and may do between them
/// what no transaction can.
pub async fn as_owner<T, E>(
    owner: &DbUrl,
    work: impl FnOnce(&mut Tx) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let owner = owner.clone();
    run_blocking(move || {
        owner.settle_file(false)?;
        work(&mut owner.connect_owner()?)
    })
    .await
}

/// Runs `work` as one write transaction on the owner's connection: all of it happens, or none.
pub fn owner_transaction<T, E: TxError>(
    tx: &mut Tx,
    work: impl FnOnce(&mut Tx) -> Result<T, E>,
) -> Result<T, E> {
    tx.begin(Begin { access: Access::Write, room: None })?;
    tx.finish(Access::Write, work)
}
