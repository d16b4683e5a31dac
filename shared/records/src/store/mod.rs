//! All SQL of these verbs; every statement names the room.

pub(crate) mod completeness;
mod schema;
