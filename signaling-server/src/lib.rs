//! confab-server
