//! What the services say to each other: request and answer types, who is on the other end of a
//! line, and the one HTTP client.
//!
//! Invariant: identifiers travel in bodies, never in paths or queries; an individual number exists
//! only as [`WireNumber`], whose parse error never repeats the digits.
//!
//! Reading order: [`identity`], [`problem`], then one module per service, then [`client`].

pub mod base64_bytes;
pub mod batch;
pub mod broker;
pub mod client;
pub mod devices;
pub mod erasure;
pub mod exports;
pub mod fhir;
pub mod identity;
pub mod imports;
pub mod intake;
pub mod notices;
pub mod number;
pub mod partition;
pub mod pmh;
pub mod problem;
pub mod provision_log;
pub mod quarantine;
mod record_source;
pub mod records;
pub mod registry;
mod review;
pub mod tls;

pub use self::base64_bytes::Base64Bytes;
pub use self::client::{CallError, Client};
pub use self::identity::PeerIdentity;
pub use self::number::{WireNumber, WirePassword};
pub use self::problem::{Owner, Problem};
