//! The columns of record batches that no text of a record is made of, looked at for Individual Numbers.

use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;

use super::read::texts;
use crate::block::Columns;
use crate::individual::column::{Beside, names_number};
use crate::individual::tally::{Counted, Tally};
use crate::record::{Field, Outcome};

/// Whether values of a type may show as twelve digits.
fn may_hold(of: &DataType) -> bool {
    match of {
        DataType::Dictionary(_, values) => may_hold(values),
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => false,
        other => !other.is_temporal(),
    }
}

/// Counts the cells of the columns `beside`, of the accepted `rows` of a batch, of which `columns` were
/// made. What shows as no text (a list, say) is not looked at.
pub(super) fn count(
    batch: &RecordBatch,
    beside: &[Beside],
    rows: &[usize],
    columns: &Columns,
) -> Vec<Counted> {
    let counted = beside.iter().filter_map(|beside| {
        let column = batch.columns().get(beside.column)?;
        if !may_hold(column.data_type()) {
            return None;
        }
        let (codes, wanted): (&[u8], u8) = match beside.field {
            Some(Field::Result) => (&columns.result, Outcome::Other as u8),
            // What is not known counts as empty by now.
            Some(Field::References) => (&columns.references, 0),
            _ => (&[], 0),
        };
        let texts = texts(column).ok()?;
        let mut tally = Tally::default();
        for (at, &row) in (0u64..).zip(rows) {
            let is_wanted = usize::try_from(at)
                .ok()
                .and_then(|at| codes.get(at))
                .is_none_or(|&code| code == wanted);
            if is_wanted && texts.is_valid(row) {
                tally.add(texts.value(row), at);
            }
        }
        (!tally.is_empty()).then_some((beside.column, tally))
    });
    counted.collect()
}

/// Whether a rejected row holds a number that is named, by its own text or by its column.
pub(super) fn is_named_in(batch: &RecordBatch, row: usize) -> bool {
    let schema = batch.schema();
    let mut columns = schema.fields().iter().zip(batch.columns());
    columns.any(|(field, column)| {
        may_hold(column.data_type())
            && texts(&column.slice(row, 1))
                .is_ok_and(|text| text.is_valid(0) && names_number(field.name(), text.value(0)))
    })
}
