//! Faults planted in a log, in all its places of storage: each must be named with its place.

mod bodies;
mod checkpoints;
mod destruction;
mod exports;
mod outside;
mod random;
mod tiles;
