//! confab-call
