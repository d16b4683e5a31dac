//! Tamper, restore, rewrite, destroy: the verifier names the place, and never cries without cause.
//!
//! The damage is done past the service, as the owner of the database could: through SQL, and in the
//! bytes of files.  A second verifier, written in Python from docs/LOG_FORMAT.md alone, must say the
//! same of every export.

mod altered;
mod clean;
mod copies;
mod destruction;
mod disclosure;
mod exports;
mod forger;
mod master;
mod medium;
mod oracle;
mod orders;
mod past;
mod planted;
mod reconciliation;
mod rollback;
mod rows;
mod slips;
mod witnessed;
