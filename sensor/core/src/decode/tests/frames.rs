//! Builds frames from parts.
