//! Made-up lives.
