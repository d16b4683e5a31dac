//! The SQL of this crate.

pub(crate) mod closing;
pub(crate) mod expired;
pub(crate) mod hold;
pub(crate) mod personal;
pub(crate) mod proposal;
pub(crate) mod rotation;
mod schema;
pub(crate) mod spent;

use domain::Permit;
use room::store::raw::Value;

fn room(permit: &Permit) -> Value {
    Value::Text(permit.municipality().as_str().to_owned())
}

/// Words of closed lists are stored as they are sent.
fn word<T: serde::Serialize>(value: &T) -> Result<String, service::ApiError> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(room::store::broken_row()),
    }
}

fn read_word<T: serde::de::DeserializeOwned>(word: String) -> Result<T, service::ApiError> {
    let word = serde_json::Value::String(word);
    serde_json::from_value(word).map_err(|_| room::store::broken_row())
}
