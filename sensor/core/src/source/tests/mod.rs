//! Captures made by hand and by chance.
mod build;
mod real;
