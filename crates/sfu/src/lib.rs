//! confab-sfu
