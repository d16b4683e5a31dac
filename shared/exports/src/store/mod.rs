//! SQL of what only a disclosure reads; every statement names the room.

pub(crate) mod about;
