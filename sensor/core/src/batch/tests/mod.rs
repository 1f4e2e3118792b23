//! Record batches as a reader of the store sees them.

mod accounting;
mod flows;
mod text;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

use super::Labels;

fn labels() -> Labels {
    Labels {
        sensor: "probe".to_owned(),
        blocks: ["first", "second"].map(str::to_owned).to_vec(),
        ..Labels::default()
    }
}

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Names and types of the columns.
fn shape(batch: &RecordBatch) -> Vec<(String, DataType)> {
    batch
        .schema()
        .fields()
        .iter()
        .map(|field| (field.name().clone(), field.data_type().clone()))
        .collect()
}

/// Texts of a column, plain or repeated.
fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(name).expect("the column");
    if let Some(plain) = column.as_string_opt::<i32>() {
        return plain.iter().map(|text| text.map(str::to_owned)).collect();
    }
    let repeated = column.as_dictionary::<Int32Type>();
    let words = repeated.values().as_string::<i32>();
    repeated
        .keys()
        .iter()
        .map(|key| key.map(|key| words.value(key.unsigned_abs() as usize).to_owned()))
        .collect()
}

/// The same where no row is NULL.
fn words(batch: &RecordBatch, name: &str) -> Vec<String> {
    let words = texts(batch, name).into_iter();
    words.map(|word| word.expect("no NULL")).collect()
}

/// Whether every row is NULL for whoever asks, keys of dictionaries included.
fn is_null(batch: &RecordBatch, name: &str) -> bool {
    let column = batch.column_by_name(name).expect("the column");
    column.logical_null_count() == batch.num_rows()
}
