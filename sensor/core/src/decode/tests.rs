//! Tests of the whole stage.

mod frames;
mod table;
