//! Columns that few values or none fill.

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, Field, Schema};

use super::text::push_address;
use crate::watch::BlockRef;

/// Text that repeats: a key a row into `words`; a negative key is NULL.
pub(super) fn words(
    keys: Vec<i32>,
    words: impl IntoIterator<Item = String>,
) -> Result<ArrayRef, ArrowError> {
    let nulls = keys
        .iter()
        .any(|&key| key < 0)
        .then(|| keys.iter().map(|&key| key >= 0).collect::<NullBuffer>());
    let keys = keys.into_iter().map(|key| key.max(0)).collect::<Vec<_>>();
    let values: StringArray = words.into_iter().map(Some).collect();
    let keys = Int32Array::new(ScalarBuffer::from(keys), nulls);
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(
        keys,
        Arc::new(values),
    )?))
}

/// The same word in every row.
pub(super) fn constant(word: &str, rows: usize) -> Result<ArrayRef, ArrowError> {
    words(vec![0; rows], [word.to_owned()])
}

/// Addresses as text.
pub(super) fn addresses(rows: impl Iterator<Item = (u8, u128)>) -> Result<ArrayRef, ArrowError> {
    let mut bytes = Vec::with_capacity(rows.size_hint().0 * 14);
    let mut ends = Vec::with_capacity(rows.size_hint().0 + 1);
    ends.push(0);
    for (version, address) in rows {
        push_address(&mut bytes, version, address);
        ends.push(
            i32::try_from(bytes.len())
                .map_err(|error| ArrowError::ComputeError(error.to_string()))?,
        );
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    Ok(Arc::new(StringArray::try_new(offsets, bytes.into(), None)?))
}

/// Keys of blocks into their names; no block is NULL.
pub(super) fn block_keys(blocks: impl Iterator<Item = BlockRef>) -> Vec<i32> {
    blocks
        .map(|block| block.index().map_or(-1, |index| index as i32))
        .collect()
}

/// A batch of these columns, in their order.
pub(super) fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch, ArrowError> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let arrays = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}
