//! provision-log.
