//! Columns of points in time.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, Int64Array, StringBuilder, Time32MillisecondArray, TimestampMillisecondArray,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{Date32Type, Field, Int64Type, Time32MillisecondType, TimestampMillisecondType};
use millstream_api::{Error, Result, RowFailure, schema};

use super::{Conversion, Form, form_of};
use crate::java::date_pattern::DAY;

impl Conversion {
    /// The values in the new form, and the rows that have none. A failed row holds anything but null, which its schema may not take.
    pub(super) fn column(&self, field: &Field, array: &ArrayRef) -> Result<(ArrayRef, Vec<RowFailure>)> {
        let mut failures = Vec::new();
        let millis = self.millis(form_of(field)?, array, &mut failures);
        let nulls = array.nulls().cloned();
        Ok((self.written(millis, nulls, &mut failures)?, failures))
    }

    /// Values of the new form for rows that have none.
    pub(super) fn anything(&self, rows: usize) -> Result<ArrayRef> {
        self.written(vec![0; rows], None, &mut Vec::new())
    }

    /// Epoch milliseconds, of null rows too, which do not count.
    fn millis(&self, form: Form, array: &ArrayRef, failures: &mut Vec<RowFailure>) -> Vec<i64> {
        match form {
            Form::Unix => {
                let values = array.as_primitive::<Int64Type>().values();
                values.iter().map(|value| self.precision.to_millis(*value)).collect()
            }
            Form::Date => {
                array.as_primitive::<Date32Type>().values().iter().map(|days| i64::from(*days) * DAY).collect()
            }
            Form::Time => {
                array.as_primitive::<Time32MillisecondType>().values().iter().map(|value| (*value).into()).collect()
            }
            Form::Timestamp => array.as_primitive::<TimestampMillisecondType>().values().to_vec(),
            Form::Text => {
                let texts = array.as_string::<i32>();
                let read = |row: usize| match texts.is_null(row) {
                    true => 0,
                    false => self.parse(texts.value(row)).unwrap_or_else(|error| {
                        failures.push(RowFailure { row, error });
                        0
                    }),
                };
                (0..texts.len()).map(read).collect()
            }
        }
    }

    fn written(&self, millis: Vec<i64>, nulls: Option<NullBuffer>, failures: &mut Vec<RowFailure>) -> Result<ArrayRef> {
        let misfit = |e| Error::internal("converted timestamps do not fit together").caused_by(e);
        Ok(match self.target {
            Form::Unix => {
                let values: Vec<i64> = millis.into_iter().map(|millis| self.precision.of_millis(millis)).collect();
                Arc::new(Int64Array::try_new(values.into(), nulls).map_err(misfit)?)
            }
            Form::Timestamp => {
                let array = TimestampMillisecondArray::try_new(millis.into(), nulls).map_err(misfit)?;
                Arc::new(array.with_data_type(schema::timestamp_type()))
            }
            Form::Time => {
                let values: ScalarBuffer<i32> =
                    millis.into_iter().map(|millis| millis.rem_euclid(DAY) as i32).collect::<Vec<_>>().into();
                Arc::new(Time32MillisecondArray::try_new(values, nulls).map_err(misfit)?)
            }
            Form::Date => {
                let valid = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
                let mut days = Vec::with_capacity(millis.len());
                for (row, millis) in millis.into_iter().enumerate() {
                    days.push(i32::try_from(millis.div_euclid(DAY)).unwrap_or_else(|_| {
                        if valid(row) {
                            failures.push(RowFailure { row, error: Error::data("a date is too far away for a Date") });
                        }
                        0
                    }));
                }
                Arc::new(Date32Array::try_new(days.into(), nulls).map_err(misfit)?)
            }
            Form::Text => {
                let mut texts = StringBuilder::with_capacity(millis.len(), millis.len() * 24);
                let mut text = String::new();
                for (row, millis) in millis.into_iter().enumerate() {
                    if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
                        texts.append_null();
                        continue;
                    }
                    text.clear();
                    self.format(millis, &mut text);
                    texts.append_value(&text);
                }
                Arc::new(texts.finish())
            }
        })
    }
}
