use domain::Role;
use service::{ApiError, Caller};
use wire::registry::RegisterOperator;

use crate::Registry;
use crate::change::{Change, make};
use crate::passwords;
use crate::register_terminal::require_known;
use crate::store::{self, Access, NewOperator, Operator};

/// Registers a person beforehand (C038).
pub(crate) async fn register_operator(
    registry: &Registry,
    caller: &Caller,
    request: RegisterOperator,
) -> Result<(), ApiError> {
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
        Some(old) => compare(registry, caller, request, old).await,
        None => insert(registry, caller, request).await,
    }
}

async fn insert(
    registry: &Registry,
    caller: &Caller,
    request: RegisterOperator,
) -> Result<(), ApiError> {
    let RegisterOperator { operator: id, municipality, role, password } = request;
    let at = caller.context.at;
    let access = Access::of(&caller.context, "RegisterOperator", Some(id.as_str()));
    let password_hash = registry.passwords.hash(password).await?;
    let new = NewOperator { id, municipality, role, password_hash };
    make(registry, "registry.register_operator", access, move |tx| {
        if store::operator_find(tx, &new.id)?.is_some() {
            return Ok(Change::Raced);
        }
        store::operator_insert(tx, &new, at)?;
        Ok(Change::Made)
    })
    .await
}

/// The id is taken: the same registration sent again, or another one.
async fn compare(
    registry: &Registry,
    caller: &Caller,
    request: RegisterOperator,
    old: Operator,
) -> Result<(), ApiError> {
    let is_person = !old.is_suspended
        && old.role == request.role
        && old.place == store::place(request.municipality);
    let hash = Some(old.password_hash.as_str());
    let is_same = registry.passwords.verify(request.password, hash).await? && is_person;
    let access = Access::of(&caller.context, "RegisterOperator", Some(old.id.as_str()));
    make(registry, "registry.register_operator", access, move |_| {
        Ok(if is_same { Change::Same } else { Change::Conflict })
    })
    .await
}
