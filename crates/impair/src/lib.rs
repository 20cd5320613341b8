//! confab-impair
