//! confab-rtp
