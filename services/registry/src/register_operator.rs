use domain::Role;
use service::{ApiError, Caller};
use time::OffsetDateTime;
use wire::registry::RegisterOperator;

use crate::Registry;
use crate::access::Access;
use crate::change::{Change, Work, make};
use crate::passwords;
use crate::register_terminal::require_known;
use crate::store::{self, NewOperator, Operator};

/// Registers a person beforehand (C038).
pub(crate) async fn register_operator(
    registry: &Registry,
    caller: &Caller,
    request: RegisterOperator,
) -> Result<(), ApiError> {
    let access = Access::of(&caller.context, "RegisterOperator").to(&request.operator);
    let access = access.concerning(store::place(request.municipality));
    make(registry, caller, access, prepare(registry, request, caller.context.at)).await
}

async fn prepare(
    registry: &Registry,
    request: RegisterOperator,
    at: OffsetDateTime,
) -> Result<Work, ApiError> {
    require_known(request.municipality)?;
    // National operations belong to no municipality, everybody else to one.
    if (request.role == Role::National) != request.municipality.is_none() {
        return Err(ApiError::field("municipality"));
    }
    if !passwords::is_acceptable(&request.password) {
        return Err(ApiError::field("password"));
    }
    let id = request.operator.clone();
    let find = move |tx: &mut db::Tx| store::operator_find(tx, &id);
    match registry.db.read("registry.operator_find", find).await? {
        Some(old) => compare(registry, request, old).await,
        None => insert(registry, request, at).await,
    }
}

async fn insert(
    registry: &Registry,
    request: RegisterOperator,
    at: OffsetDateTime,
) -> Result<Work, ApiError> {
    let RegisterOperator { operator: id, municipality, role, password } = request;
    let password_hash = registry.passwords.hash(password).await?;
    let new = NewOperator { id, municipality, role, password_hash };
    Ok(Box::new(move |tx, _| {
        if store::operator_find(tx, &new.id)?.is_some() {
            return Ok(Change::Raced);
        }
        store::operator_insert(tx, &new, at)?;
        Ok(Change::Made)
    }))
}

/// The id is taken: the same registration sent again, or another one.
async fn compare(
    registry: &Registry,
    request: RegisterOperator,
    old: Operator,
) -> Result<Work, ApiError> {
    let is_person = !old.is_suspended
        && old.role == request.role
        && old.place == store::place(request.municipality);
    let hash = Some(old.password_hash.as_str());
    let is_same = registry.passwords.verify(request.password, hash).await? && is_person;
    Ok(Box::new(move |_, _| Ok(if is_same { Change::Same } else { Change::Conflict })))
}
