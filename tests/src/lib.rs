//! The lab: real servers, clients, sound devices, displays and windows for the promises and the benchmarks.
//!
//! Everything starts with a [`lab::Lab`]; it owns a folder for artefacts, the temporary files, and the turn to use the
//! machine, because two calls at once on two cores would measure each other.

pub mod bench_client;
pub mod bench_sfu;
pub mod call_figures;
pub mod lab;
pub mod two_person_call;
mod usage;
