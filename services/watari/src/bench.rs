//! Measures the real house, set up for it in a temporary folder: the services, mutual TLS and every
//! durable log as in daily use; only the limits on too many requests are opened up.
//!
//! Reading order: [`ground`] (what is measured), [`load`] (by whom), [`transfer`] with [`replay`]
//! and its `store`, [`timing`], [`disclosure`],
//! [`captures`], [`import`], [`batch`], [`rotation`].

pub(crate) mod batch;
pub(crate) mod captures;
pub(crate) mod disclosure;
pub(crate) mod ground;
pub(crate) mod import;
mod load;
mod replay;
pub(crate) mod rotation;
mod store;
pub(crate) mod timing;
pub(crate) mod transfer;
