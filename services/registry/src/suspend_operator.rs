use service::{ApiError, Caller};
use wire::registry::SuspendOperator;

use crate::Registry;
use crate::change::{Change, make};
use crate::store::{self, Access};

/// Takes an operator's rights away at once (C055).
pub(crate) async fn suspend_operator(
    registry: &Registry,
    caller: &Caller,
    SuspendOperator { operator }: SuspendOperator,
) -> Result<(), ApiError> {
    let at = caller.context.at;
    let access = Access::of(&caller.context, "SuspendOperator", Some(operator.as_str()));
    make(registry, "registry.suspend_operator", access, move |tx| {
        Ok(match store::operator_find(tx, &operator)? {
            None => Change::Absent,
            Some(found) if found.is_suspended => Change::Same,
            Some(_) => {
                store::operator_suspend(tx, &operator, at)?;
                Change::Made
            }
        })
    })
    .await
}
