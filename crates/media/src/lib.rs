//! confab-media
