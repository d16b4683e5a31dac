use crate::{DbError, DbUrl, Tx, run_blocking};

/// Runs `work` as the owner of the tables, for what no service may do to them.
///
/// No transaction is open: `work` begins its own with `tx.transaction(|tx| …)`, and may do between
/// them what no transaction can.
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
