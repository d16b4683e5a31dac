//! watari.
