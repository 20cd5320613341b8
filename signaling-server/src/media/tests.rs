//! The media plane with real sockets on loopback; clients are str0m.
