//! What every service needs to run: configuration, the mutual-TLS listener with its deadlines, the
//! gate that lets nobody through who is not in the policy, errors, telemetry and health.
//!
//! Invariant: a request reaches a handler only through the [`gate`], and only if its route is in
//! the service's `ENDPOINTS` and the policy lets the caller do that endpoint's action.
//!
//! Reading order: [`endpoint`], [`gate`], [`record`], [`error`], [`server`], then the rest as
//! needed.

pub mod body;
pub mod config;
pub mod directory;
pub mod endpoint;
pub mod error;
pub mod gate;
pub mod health;
pub mod hosted;
mod lines;
pub mod metrics;
pub mod participants;
pub mod permissions;
pub mod pki;
pub mod problems;
pub mod record;
pub mod server;
pub mod telemetry;
pub mod token;

pub use self::body::{Body, FhirForm};
pub use self::directory::Directory;
pub use self::endpoint::{Endpoint, Method};
pub use self::error::ApiError;
pub use self::gate::Caller;
pub use self::participants::Participants;
pub use self::record::{Ended, Recorder};
