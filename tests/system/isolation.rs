//! Must-show 7: rooms, cells and messages stay apart, also where the program is passed by: through
//! its database, its files, and a broker that lies.
#![expect(clippy::indexing_slicing, reason = "a failed test stops where it failed")]

mod cells;
mod false_broker;
mod forgeries;
mod grants;
mod impostors;
mod joins;
mod keys;
mod letter;
mod lies;
mod neighbours;
mod retries;
mod row_security;
mod scene;
mod sql;
