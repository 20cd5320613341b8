//! confab-server

pub mod media;
