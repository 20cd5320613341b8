//! confab-rooms
