use service::{ApiError, Caller};
use wire::registry::SuspendOperator;

use crate::Registry;
use crate::access::Access;
use crate::change::{Change, Work, make};
use crate::store;

/// Takes an operator's rights away at once (C055).
pub(crate) async fn suspend_operator(
    registry: &Registry,
    caller: &Caller,
    SuspendOperator { operator }: SuspendOperator,
) -> Result<(), ApiError> {
    let at = caller.context.at;
    let access = Access::of(&caller.context, "SuspendOperator").to(&operator);
    let work: Work = Box::new(move |tx, line| {
        let found = store::operator_find(tx, &operator)?;
        if let Some(found) = &found {
            *line = line.clone().concerning(found.place.clone());
        }
        Ok(match found {
            None => Change::Absent,
            Some(found) if found.is_suspended => Change::Same,
            Some(_) => {
                store::operator_suspend(tx, &operator, at)?;
                Change::Made
            }
        })
    });
    make(registry, caller, access, async { Ok(work) }).await
}
