//! confab-tests
