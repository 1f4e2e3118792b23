//! Applications by what the bytes say.
